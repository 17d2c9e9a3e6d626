"""What a reader must know before believing the numbers, at the top of the page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from kser.evaluation.speaker_bootstrap import FEW_SPEAKERS
from kser.evaluation.statistics.divergence import DEFAULT_MARGIN, at_chance_level
from kser.experiment.tasks.report_kinds import CLASSES
from kser.report.markup import Html, element, join, paragraph
from kser.report.numbers import known, range_of, seeds_in_words
from kser.report.study_folder import Evaluation, Study, TrainedRun

FEW_SAMPLES = 3
"""A recall of fewer utterances jumps between 0, ½ and 1, and weighs in UAR as much as any other."""


@dataclass(frozen=True)
class Caution:
    """One thing to know.

    Attributes:
        serious: whether it puts results in question, or is merely to be kept in mind.
        title: what it is, in a few words.
        text: how much of it, and what follows.
        where: the models and test sets; empty for the whole study.
    """

    serious: bool
    title: str
    text: str
    where: tuple[str, ...] = ()


def cautions_of(study: Study) -> list[Caution]:
    """All that is to be known of a study, the serious ones first."""
    found = chain(
        _of_folder(study),
        *(_of_model(model, runs) for model, runs in study.models.items()),
        *(_of_condition(of) for kind in study.kinds for of in study.of_kind(kind).conditions.values()),
        _diverged(study.of_kind(CLASSES)),
    )
    return sorted(_together(found), key=lambda caution: not caution.serious)


def _together(cautions: Iterable[Caution]) -> list[Caution]:
    """What is said of several models and test sets in the same words is said once."""
    found: dict[tuple[bool, str, str], tuple[str, ...]] = {}
    for caution in cautions:
        key = (caution.serious, caution.title, caution.text)
        found[key] = tuple(dict.fromkeys([*found.get(key, ()), *caution.where]))
    return [Caution(*key, where) for key, where in found.items()]


def cautions_box(cautions: Sequence[Caution]) -> Html:
    """The cautions as the page shows them: serious ones open, the others too, in their order."""
    if not cautions:
        return element(
            "aside",
            paragraph("No leak, no diverged seed and nothing left out was found in this study's files."),
            class_="cautions fine",
            aria_label="Warnings",
        )
    items = [
        element(
            "li",
            element("strong", f"{caution.title}:", class_="serious" if caution.serious else None),
            f" {'; '.join(caution.where)}:" if caution.where else "",
            f" {caution.text}",
        )
        for caution in cautions
    ]
    serious = sum(caution.serious for caution in cautions)
    title = "Read this first" if serious else "To keep in mind"
    return element(
        "aside",
        element("h2", title, id="warnings"),
        element("ul", join(items)),
        class_="cautions serious" if serious else "cautions",
        aria_labelledby="warnings",
    )


def diverged_runs(study: Study) -> list[Evaluation]:
    """The evaluations of classes at chance level, see `kser.evaluation.statistics.divergence`."""
    rows = [{"uar": of.report["uar"], "n_classes": 1.0 / chance_level(of)} for of in study.evaluations]
    if not rows:
        return []
    flagged = at_chance_level(pd.DataFrame(rows))
    return [of for of, flag in zip(study.evaluations, flagged, strict=True) if flag]


def _diverged(study: Study) -> Iterator[Caution]:
    by_condition: dict[tuple[str, str], list[str]] = {}
    for of in diverged_runs(study):
        by_condition.setdefault((of.model, of.dataset), []).append(of.seed)
    for (model, dataset), seeds in by_condition.items():
        yield Caution(
            True,
            "At chance level",
            f"UAR at most {DEFAULT_MARGIN:g} above that of a constant answer. The runs are part of every "
            "mean here; the statistics give results with and without them.",
            (f"{model} on {dataset}, {seeds_in_words(seeds)}",),
        )


def _of_folder(study: Study) -> Iterator[Caution]:
    for problem in study.problems:
        yield Caution(True, "Could not be read", problem)
    for duplicate in study.duplicates:
        yield Caution(True, "Same model, test set and seed twice", duplicate)
    if not study.evaluations:
        yield Caution(True, "No results", "no run has been evaluated; kser eval does it.")
    made_with = {
        name: sorted({str(run.provenance[name]) for run in study.runs if run.provenance.get(name)})
        for name in ("kser_version", "keras_version", "backend")
    }
    for name, values in made_with.items():
        if len(values) > 1:
            what = name.replace("_version", "")
            yield Caution(False, "Not all runs alike", f"{what} differs between runs: {', '.join(values)}.")


def _of_model(model: str, runs: Sequence[TrainedRun]) -> Iterator[Caution]:
    if unfinished := [run.seed for run in runs if not run.provenance]:
        where = f"{model}, {seeds_in_words(unfinished)}"
        yield Caution(
            True, "Not finished", "no trained model is there; kser train goes on with it.", (where,)
        )
    tested = [run for run in runs if any((run.folder / "evaluation").glob("*/*.json"))]
    if untested := [run.seed for run in runs if run.provenance and run not in tested]:
        where = f"{model}, {seeds_in_words(untested)}"
        yield Caution(True, "Not evaluated", "no test set has been tried; kser eval does it.", (where,))
    yield from _shared_speakers(model, runs)
    left_out: dict[str, list[Any]] = {}
    for run in runs:
        for name, count in (run.split.get("left_out") or {}).items():
            left_out.setdefault(name, []).append(count)
    if left_out:
        told = ", ".join(f"{name} ({range_of(counts)})" for name, counts in left_out.items())
        yield Caution(False, "Utterances in no part of the split, by class", f"{told}.", (model,))
    skipped = [run.split.get("skipped_audio") or 0 for run in runs]
    if any(skipped):
        yield Caution(
            False,
            "Recordings left out",
            f"{range_of(skipped)} a run could not be used; split/skipped_audio.csv of the run lists them.",
            (model,),
        )


def _shared_speakers(model: str, runs: Sequence[TrainedRun]) -> Iterator[Caution]:
    """By what split.json counted; older ones did not, so there the settings have to do."""
    title, follows = (
        "Speakers in several parts",
        "which makes results on that corpus look better than they are for new speakers.",
    )
    shared = {run.seed: count for run in runs if (count := run.split.get("shared_speakers")) is not None}
    if seeds := [seed for seed, count in shared.items() if count > 0]:
        text = (
            f"{range_of(shared[seed] for seed in seeds)} speakers are in more than one part of the split "
            f"({seeds_in_words(seeds)}), {follows}"
        )
        yield Caution(True, title, text, (model,))
    uncounted = [run.provenance.get("model_config") or {} for run in runs if run.seed not in shared]
    if any(of.get("speaker_independent_scenario") is False for of in uncounted):
        text = (
            "trained without speaker_independent_scenario: training and test part may share speakers, "
            f"{follows}"
        )
        yield Caution(True, title, text, (model,))


def _of_condition(runs: Sequence[Evaluation]) -> Iterator[Caution]:
    where = (f"{runs[0].model} on {runs[0].dataset}",)
    for part in ("train", "validation"):
        seen = {of.seed: (of.report.get("seen_in_training") or {}).get(part) or 0 for of in runs}
        if seeds := [seed for seed, count in seen.items() if count]:
            sizes = [of.report.get("n_recordings") for of in runs]
            yield Caution(
                True,
                "Leak",
                f"{range_of(seen[seed] for seed in seeds)} of {range_of(sizes)} tested recordings were in "
                f"the model's {part} part ({seeds_in_words(seeds)}).",
                where,
            )
    for key, what in _LABEL_CAUTIONS.items():
        if told := _over_runs(runs, key):
            yield Caution(False, what, f"{told}.", where)
    if told := _missing_numbers(runs):
        yield Caution(False, "Utterances without a number", f"{told}.", where)
    thin = sorted({name for of in runs for name in _thin_classes(of)})
    if thin:
        yield Caution(
            False,
            "Few utterances",
            f"fewer than {FEW_SAMPLES} in some test part: {', '.join(thin)}.",
            where,
        )
    skipped = [len(of.report.get("skipped_audio") or ()) for of in runs]
    if any(skipped):
        yield Caution(False, "Recordings left out", f"{range_of(skipped)} could not be used.", where)
    speakers = known((of.report.get("intervals") or {}).get("n_speakers") for of in runs)
    if speakers.size and speakers.min() < FEW_SPEAKERS:
        yield Caution(
            False,
            "Few speakers",
            f"intervals rest on {range_of(speakers)} of them; with fewer than {FEW_SPEAKERS} they come out "
            "too narrow.",
            where,
        )


_LABEL_CAUTIONS = {
    "labels_unknown_to_model": "Classes that the model does not know, left out",
    "labels_left_out": "Classes left out as asked for",
    "labels_without_samples": "Classes that the test set lacks",
    "labels_renamed": "Classes under other names",
    "targets_without_values": "Numbers that the test set lacks",
}


def _missing_numbers(runs: Sequence[Evaluation]) -> str:
    """How many utterances have no number of a target, by target."""
    missing: dict[str, list[int]] = {}
    for of in runs:
        for entry in of.report.get("per_target") or ():
            count = (of.report.get("n") or 0) - (entry.get("n") or 0)
            missing.setdefault(str(entry.get("target")), []).append(count)
    return ", ".join(f"{target} ({range_of(counts)})" for target, counts in missing.items() if any(counts))


def _over_runs(runs: Sequence[Evaluation], key: str) -> str:
    """What the runs say under a key; with the seeds where they do not say the same."""
    told: dict[str, list[str]] = {}
    for of in runs:
        if text := _names(of.report.get(key)):
            told.setdefault(text, []).append(of.seed)
    if len(told) == 1 and len(next(iter(told.values()))) == len(runs):
        return next(iter(told))
    return "; ".join(f"{text} ({seeds_in_words(seeds)})" for text, seeds in told.items())


def _names(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} ({new})" if isinstance(new, int) else f"{name} → {new}" for name, new in value.items()
        )
    return ", ".join(
        f"{of.get('label')} ({of.get('support')})" if isinstance(of, dict) else str(of) for of in value or ()
    )


def _thin_classes(of: Evaluation) -> list[str]:
    return [
        f"{entry.get('label')}"
        for entry in of.report.get("per_label") or ()
        if 0 < (entry.get("support") or 0) < FEW_SAMPLES
    ]


def chance_level(of: Evaluation) -> float:
    """UAR of a constant prediction: 1 / number of classes tested; NaN where that is not known."""
    tested = [entry for entry in of.report.get("per_label") or () if entry.get("support")]
    return 1.0 / len(tested) if tested else float("nan")
