"""The data: how the corpus was split, and which classes are in which part."""

from collections.abc import Mapping, Sequence
from typing import Any

from kser.grouping import grouped
from kser.report.markup import Html, details, join, paragraph
from kser.report.numbers import range_of
from kser.report.study_folder import Study, TrainedRun
from kser.report.tables import table
from kser.words import counted, natural

_SPEAKERS = " speakers"
_SIZES = ("part", "utterances", "speakers")
_MOST_OPEN = 6


def data_section(study: Study) -> Html:
    """What was trained on, the splits by seed, and classes by part."""
    splits = distinct_splits(study.runs)
    corpora = sorted(
        {
            str(run.provenance["training_dataset"])
            for run in study.runs
            if run.provenance.get("training_dataset")
        }
    )
    tests = study.datasets
    sentences = [f"Trained on {', '.join(corpora)}." if corpora else "The training corpus is not recorded."]
    if tests:
        sentences.append(f"Tested on {', '.join(tests)}.")
    if not splits:
        return join(
            [paragraph(" ".join(sentences)), paragraph("There is no split.json, so the parts are unknown.")]
        )
    return join(
        [
            paragraph(" ".join([*sentences, *_split_in_words(splits)])),
            _classes_by_part(splits),
            _splits_table(splits, len(study.models)),
            _renamed(splits),
        ]
    )


def distinct_splits(runs: Sequence[TrainedRun]) -> dict[str, list[TrainedRun]]:
    """Runs by split; runs of the same seed usually share one."""
    return grouped((str(run.split.get("fingerprint") or run.folder), run) for run in runs if _parts(run))


def _parts(run: TrainedRun) -> dict[str, Mapping[str, Any]]:
    rows = run.split.get("parts")
    if not isinstance(rows, list):
        return {}
    return {str(row.get("part")): row for row in rows if isinstance(row, dict)}


def _splits_table(splits: Mapping[str, list[TrainedRun]], models: int) -> Html:
    """Sizes by split; folded where there are many."""
    firsts = [runs[0] for runs in splits.values()]
    names = list(dict.fromkeys(part for run in firsts for part in _parts(run)))
    rows = []
    for fingerprint, runs in splits.items():
        of_names = [_parts(runs[0]).get(name, {}) for name in names]
        seeds = sorted({run.seed for run in runs}, key=natural)
        of_split = list(dict.fromkeys(run.model for run in runs))
        rows.append(
            [
                ", ".join(seeds),
                "all" if len(of_split) == models else ", ".join(of_split),
                *(f"{part.get('utterances', '–')} ({part.get('speakers', '–')})" for part in of_names),
                fingerprint if runs[0].split.get("fingerprint") else "–",
            ]
        )
    caption = f"{counted(len(splits), 'split')}: utterances (speakers)"
    whole = table(caption, ["seed", "models", *names, "fingerprint"], rows, text_columns=2)
    return whole if len(rows) <= _MOST_OPEN else details(f"The {len(rows)} splits", whole)


def _split_in_words(splits: Mapping[str, list[TrainedRun]]) -> list[str]:
    """How the corpus and its speakers were split, as far as split.json records it."""
    recorded = [run.split for runs in splits.values() for run in runs]
    sentences = []
    if schemes := sorted({str(split["scheme"]) for split in recorded if split.get("scheme")}):
        sentences.append(f"Split scheme: {', '.join(schemes)}.")
    shared = [count for split in recorded if (count := split.get("shared_speakers")) is not None]
    if any(shared):
        sentences.append(f"Speakers in more than one part: {range_of(shared)} per split.")
    elif len(shared) == len(recorded):
        sentences.append("No speaker is in more than one part.")
    return sentences


def _classes_by_part(splits: Mapping[str, list[TrainedRun]]) -> Html:
    firsts = [_parts(runs[0]) for runs in splits.values()]
    names = list(dict.fromkeys(part for parts in firsts for part in parts))
    columns = list(dict.fromkeys(column for parts in firsts for row in parts.values() for column in row))
    classes = [column for column in columns if column not in _SIZES and not column.endswith(_SPEAKERS)]
    genders = [column for column in columns if column.endswith(_SPEAKERS)]
    rows = [
        [
            column,
            *(range_of(parts.get(name, {}).get(column, 0) for parts in firsts) for name in names),
        ]
        for column in [*classes, *_SIZES[1:], *genders]
    ]
    what = "Utterances of each class and speakers" if classes else "Speakers"
    return table(
        f"{what} by part: range over {counted(len(splits), 'split')}",
        ["class" if classes else "", *names],
        rows,
    )


def _renamed(splits: Mapping[str, list[TrainedRun]]) -> Html:
    names = {
        old: new
        for runs in splits.values()
        for old, new in (runs[0].split.get("labels_renamed") or {}).items()
    }
    if not names:
        return Html("")
    return paragraph(f"Classes were renamed: {', '.join(f'{old} → {new}' for old, new in names.items())}.")
