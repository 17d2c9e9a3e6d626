"""What a reader must know before believing the numbers, at the top of the page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from kser.evaluation.speaker_bootstrap import FEW_SPEAKERS
from kser.evaluation.statistics.divergence import DEFAULT_MARGIN, at_chance_level
from kser.grouping import grouped
from kser.report.markup import Html, element, join, paragraph
from kser.report.numbers import known, range_of, seeds_in_words
from kser.report.study_folder import Evaluation, Study, TrainedRun

FEW_SAMPLES = 3
"""A recall over fewer utterances can only be 0, ½ or 1, and weighs in UAR as much as any other."""


@dataclass(frozen=True)
class StudyWarning:
    """One thing to know.

    Attributes:
        serious: whether it puts results in question, or is merely to be kept in mind.
        title: what it is, in a few words.
        text: its extent and its consequences.
        where: the models and test sets; empty for the whole study.
    """

    serious: bool
    title: str
    text: str
    where: tuple[str, ...] = ()


def study_warnings(study: Study) -> list[StudyWarning]:
    """All warnings about a study, the serious ones first."""
    found = chain(
        _of_folder(study),
        *(_of_model(model, runs) for model, runs in study.models.items()),
        *(_of_condition(runs) for kind in study.kinds for runs in study.of_kind(kind).conditions.values()),
        _at_chance(study),
    )
    return sorted(_merged(found), key=lambda warning: not warning.serious)


def _merged(warnings: Iterable[StudyWarning]) -> list[StudyWarning]:
    """Warnings of several models and test sets in the same words become one."""
    found: dict[tuple[bool, str, str], tuple[str, ...]] = {}
    for warning in warnings:
        key = (warning.serious, warning.title, warning.text)
        found[key] = tuple(dict.fromkeys([*found.get(key, ()), *warning.where]))
    return [StudyWarning(*key, where) for key, where in found.items()]


def warnings_box(warnings: Sequence[StudyWarning]) -> Html:
    """The warnings as the page shows them, in their order."""
    if not warnings:
        return element(
            "aside",
            paragraph(
                "The files of this study show no leak, no run at chance level and nothing that was left out."
            ),
            class_="warnings fine",
            aria_label="Warnings",
        )
    items = [
        element(
            "li",
            element("strong", f"{warning.title}:", class_="serious" if warning.serious else None),
            f" {'; '.join(warning.where)}:" if warning.where else "",
            f" {warning.text}",
        )
        for warning in warnings
    ]
    serious = any(warning.serious for warning in warnings)
    return element(
        "aside",
        element("h2", "Read this first" if serious else "Keep in mind", id="warnings"),
        element("ul", join(items)),
        class_="warnings serious" if serious else "warnings",
        aria_labelledby="warnings",
    )


def _at_chance(study: Study) -> Iterator[StudyWarning]:
    """The evaluations of classes at chance level, see `kser.evaluation.statistics.divergence`."""
    tested = [(run, classes) for run in study.evaluations if (classes := run.kind.classes_tested(run.report))]
    if not tested:
        return
    flagged = at_chance_level(
        pd.DataFrame([{"uar": run.report.get("uar"), "n_classes": classes} for run, classes in tested])
    )
    seeds = grouped(
        ((run.model, run.dataset), run.seed)
        for (run, _), is_flagged in zip(tested, flagged, strict=True)
        if is_flagged
    )
    for (model, dataset), of_condition in seeds.items():
        yield StudyWarning(
            True,
            "At chance level",
            f"the UAR is at most {DEFAULT_MARGIN:g} above that of a constant answer. These runs are part of "
            "every mean on this page; the statistics give results with and without them.",
            (f"{model} on {dataset}, {seeds_in_words(of_condition)}",),
        )


def _of_folder(study: Study) -> Iterator[StudyWarning]:
    for problem in study.problems:
        yield StudyWarning(True, "Could not be read", problem)
    for duplicate in study.duplicates:
        yield StudyWarning(True, "Same model, test set and seed twice", duplicate)
    if not study.evaluations:
        yield StudyWarning(True, "No results", "no run has been evaluated; kser eval evaluates them.")
    made_with = {
        name: sorted({str(run.provenance[name]) for run in study.runs if run.provenance.get(name)})
        for name in ("kser_version", "keras_version", "backend")
    }
    for name, values in made_with.items():
        if len(values) > 1:
            what = name.replace("_version", "")
            yield StudyWarning(
                False, "Runs made differently", f"{what} differs between runs: {', '.join(values)}."
            )


def _of_model(model: str, runs: Sequence[TrainedRun]) -> Iterator[StudyWarning]:
    if unfinished := [run.seed for run in runs if not run.provenance]:
        where = f"{model}, {seeds_in_words(unfinished)}"
        yield StudyWarning(
            True, "Not finished", "there is no trained model; kser train continues the run.", (where,)
        )
    tested = [run for run in runs if any((run.folder / "evaluation").glob("*/*.json"))]
    if untested := [run.seed for run in runs if run.provenance and run not in tested]:
        where = f"{model}, {seeds_in_words(untested)}"
        yield StudyWarning(
            True, "Not evaluated", "there is no result on any test set; kser eval evaluates it.", (where,)
        )
    yield from _shared_speakers(model, runs)
    if left_out := grouped(item for run in runs for item in (run.split.get("left_out") or {}).items()):
        counts = ", ".join(f"{name} ({range_of(of_runs)})" for name, of_runs in left_out.items())
        yield StudyWarning(False, "Utterances in no part of the split, by class", f"{counts}.", (model,))
    skipped = [run.split.get("skipped_audio") or 0 for run in runs]
    if any(skipped):
        yield StudyWarning(
            False,
            "Recordings left out",
            f"{range_of(skipped)} per run could not be used; split/skipped_audio.csv of the run lists them.",
            (model,),
        )
    yield from _faulty((run.split.get("faulty_audio") for run in runs), "the training corpus", (model,))


def _shared_speakers(model: str, runs: Sequence[TrainedRun]) -> Iterator[StudyWarning]:
    """By the count in split.json; older files have none, and the settings must do."""
    title, consequence = (
        "Speakers in several parts",
        "so results on that corpus look better than they would be for new speakers.",
    )
    shared = {run.seed: count for run in runs if (count := run.split.get("shared_speakers")) is not None}
    if seeds := [seed for seed, count in shared.items() if count > 0]:
        text = (
            f"{range_of(shared[seed] for seed in seeds)} speakers are in more than one part of the split "
            f"({seeds_in_words(seeds)}), {consequence}"
        )
        yield StudyWarning(True, title, text, (model,))
    uncounted = [run.provenance.get("model_config") or {} for run in runs if run.seed not in shared]
    if any(settings.get("speaker_independent_scenario") is False for settings in uncounted):
        text = (
            "trained without speaker_independent_scenario: the training and test parts may share speakers, "
            f"{consequence}"
        )
        yield StudyWarning(True, title, text, (model,))


def _of_condition(runs: Sequence[Evaluation]) -> Iterator[StudyWarning]:
    where = (f"{runs[0].model} on {runs[0].dataset}",)
    for part in ("train", "validation"):
        seen = {run.seed: (run.report.get("seen_in_training") or {}).get(part) or 0 for run in runs}
        if seeds := [seed for seed, count in seen.items() if count]:
            sizes = [run.report.get("n_recordings") for run in runs]
            yield StudyWarning(
                True,
                "Leak",
                f"{range_of(seen[seed] for seed in seeds)} of {range_of(sizes)} test recordings were in "
                f"the model's {part} part ({seeds_in_words(seeds)}).",
                where,
            )
    for key, title in _ABOUT_LABELS.items():
        if names := _over_runs(runs, key):
            yield StudyWarning(False, title, f"{names}.", where)
    if missing := _missing_numbers(runs):
        yield StudyWarning(False, "Utterances without a number", f"{missing}.", where)
    if thin := sorted({name for run in runs for name in _thin_classes(run)}):
        yield StudyWarning(
            False,
            "Few utterances",
            f"fewer than {FEW_SAMPLES} in some test part: {', '.join(thin)}.",
            where,
        )
    skipped = [len(run.report.get("skipped_audio") or ()) for run in runs]
    if any(skipped):
        yield StudyWarning(False, "Recordings left out", f"{range_of(skipped)} could not be used.", where)
    yield from _faulty((run.report.get("faulty_audio") for run in runs), "the test set", where)
    speakers = known((run.report.get("intervals") or {}).get("n_speakers") for run in runs)
    if speakers.size and speakers.min() < FEW_SPEAKERS:
        yield StudyWarning(
            False,
            "Few speakers",
            f"intervals over speakers rest on {range_of(speakers)} of them; with fewer than {FEW_SPEAKERS} "
            "they are too narrow.",
            where,
        )


def _faulty(
    counts: Iterable[dict[str, int] | None], of_what: str, where: tuple[str, ...]
) -> Iterator[StudyWarning]:
    """Recordings with faults of which they can still be used, by kind."""
    if by_kind := grouped(item for found in counts for item in (found or {}).items()):
        kinds = ", ".join(f"{kind} ({range_of(of_runs)})" for kind, of_runs in by_kind.items())
        yield StudyWarning(
            False, "Faulty recordings", f"of {of_what}: {kinds}; kser check names the files.", where
        )


_ABOUT_LABELS = {
    "labels_unknown_to_model": "Classes unknown to the model, left out",
    "labels_left_out": "Classes left out on request",
    "labels_without_samples": "Classes without utterances in the test set",
    "labels_renamed": "Classes renamed",
    "targets_without_values": "Targets without values in the test set",
}


def _missing_numbers(runs: Sequence[Evaluation]) -> str:
    """How many utterances have no number of a target, by target."""
    missing = grouped(
        (str(entry.get("target")), (run.report.get("n") or 0) - (entry.get("n") or 0))
        for run in runs
        for entry in run.report.get("per_target") or ()
    )
    return ", ".join(f"{target} ({range_of(counts)})" for target, counts in missing.items() if any(counts))


def _over_runs(runs: Sequence[Evaluation], key: str) -> str:
    """What the reports hold under a key; with the seeds where they differ."""
    seeds = grouped((text, run.seed) for run in runs if (text := _names(run.report.get(key))))
    if len(seeds) == 1 and len(next(iter(seeds.values()))) == len(runs):
        return next(iter(seeds))
    return "; ".join(f"{text} ({seeds_in_words(of_text)})" for text, of_text in seeds.items())


def _names(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} ({new})" if isinstance(new, int) else f"{name} → {new}" for name, new in value.items()
        )
    return ", ".join(
        f"{each.get('label')} ({each.get('support')})" if isinstance(each, dict) else str(each)
        for each in value or ()
    )


def _thin_classes(run: Evaluation) -> list[str]:
    return [
        f"{entry.get('label')}"
        for entry in run.report.get("per_label") or ()
        if 0 < (entry.get("support") or 0) < FEW_SAMPLES
    ]
