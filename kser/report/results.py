"""Results: each model on each test set over its runs, by class, target or label, and run by run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kser.evaluation.measure_names import measure_name
from kser.evaluation.statistics.tables import NOTHING, number
from kser.experiment.tasks.report_kinds import Parts, ReportKind, as_number
from kser.report.figures import part_figures
from kser.report.markup import Html, details, element, join
from kser.report.numbers import (
    FEWEST_RUNS,
    interval_cell,
    interval_of_mean,
    known,
    mean_and_spread,
    range_of,
)
from kser.report.strip import strip
from kser.report.study_folder import Evaluation, Study, entries_by_part
from kser.report.tables import table


def results_section(study: Study, kind: ReportKind) -> Html:
    """A row for each model and test set, with a dot for each run; then parts, figures and single runs."""
    parts = Html("") if kind.parts is None else _parts_table(study, kind.parts)
    folded = kind.parts is not None and kind.parts.folded
    return join(
        [
            _conditions(study, kind),
            "" if folded else parts,
            part_figures(study, kind.parts),
            details("Run by run, with intervals over speakers", _runs(study, kind)),
            details(f"By {kind.parts.display_name}", parts) if folded and kind.parts else "",
        ]
    )


def _conditions(study: Study, kind: ReportKind) -> Html:
    main, others = kind.main, kind.summary_columns(run.report for run in study.evaluations)[1:]
    values = {run.folder: kind.measures_of(run.report) for run in study.evaluations}
    low, high = _ends(known(measured[main.name] for measured in values.values()), main.bounds)
    references = {run.folder: reference_value(run, kind) for run in study.evaluations}
    rows: list[list[object]] = []
    for (model, dataset), runs in study.conditions.items():
        measured = [values[run.folder] for run in runs]
        of_main = [value[main.name] for value in measured]
        dashed = known({references[run.folder] for run in runs})
        rows.append(
            [
                model,
                dataset,
                strip(of_main, main.display_name, low, high, dashed),
                str(len(runs)),
                element("strong", mean_and_spread(of_main)),
                interval_cell(interval_of_mean(of_main, main.bounds)),
                *(mean_and_spread(value.get(name) for value in measured) for name in others),
            ]
        )
    name = main.display_name
    headings = [f"{name} of each run", "runs", name, "95% interval", *map(measure_name, others)]
    return table(
        "Mean ± SD over runs",
        ["model", "tested on", *headings],
        rows,
        text_columns=3,
        row_headings=2,
        below=[
            _explanation(kind),
            f"In the picture each dot is a run, on a scale from {_end(low)} to {_end(high)}; the solid line "
            f"is at their mean{_reference_in_words(kind, list(references.values()))}.",
        ],
    )


def reference_value(evaluation: Evaluation, kind: ReportKind) -> float | None:
    """What the main measure gives an answer that ignores the recording; `None` where that is unknown.

    A constant answer has a UAR of 1 / classes; a correlation of no agreement is 0.
    """
    if classes := kind.classes_tested(evaluation.report):
        return 1.0 / classes
    return 0.0 if -math.inf < kind.main.bounds[0] < 0 else None


def _reference_in_words(kind: ReportKind, references: Sequence[float | None]) -> str:
    if not any(value is not None for value in references):
        return ""
    return f", and the dashed line is at {'chance level' if kind.has_classes else '0'}"


def _ends(values: np.ndarray, bounds: tuple[float, float]) -> tuple[float, float]:
    """Ends of a picture: the bounds of the measure, but 0 where no run is below it."""
    low = max(bounds[0], min(0.0, float(values.min(initial=0.0))))
    low = bounds[0] if low < 0 and math.isfinite(bounds[0]) else low
    return low, bounds[1] if math.isfinite(bounds[1]) else float(values.max(initial=1.0))


def _end(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _explanation(kind: ReportKind) -> str:
    low, high = kind.main.bounds
    limits = f", limited to the range from {_end(low)} to {_end(high)}" if math.isfinite(low + high) else ""
    worse = [measure.display_name for measure in kind.measures if not measure.higher_is_better]
    sentences = [
        kind.explanation,
        f"Lower values of {' and '.join(worse)} are better." if worse else "",
        f"The interval is that of the mean over runs (Student's t{limits}): it shows how much seeds and "
        f"splits matter, not how much speakers do. It requires at least {FEWEST_RUNS} runs.",
    ]
    return " ".join(filter(None, sentences))


def _parts_table(study: Study, parts: Parts) -> Html:
    rows = [
        [
            *(model, dataset, name),
            *(range_of(entry.get(key) for entry in entries) for key in parts.counts),
            *(mean_and_spread(entry.get(measure.name) for entry in entries) for measure in parts.measures),
            *(_moments(entries, key) for key in parts.moments),
        ]
        for (model, dataset), runs in study.conditions.items()
        for name, entries in entries_by_part(runs, parts).items()
    ]
    measures = [measure.display_name for measure in parts.measures]
    return table(
        f"By {parts.display_name}: mean ± SD over runs",
        [
            *("model", "tested on", parts.display_name),
            *parts.counts.values(),
            *measures,
            *parts.moments.values(),
        ],
        rows,
        text_columns=3,
        row_headings=3,
        below=[parts.note] if parts.note else [],
    )


def _moments(entries: Sequence[Mapping[str, Any]], key: str) -> str:
    """`3.92 (1.10)`: means over runs of a mean and of a standard deviation."""
    mean, sd = (known(entry.get(f"{key}_{what}") for entry in entries) for what in ("mean", "sd"))
    return f"{_mean(mean)} ({_mean(sd)})"


def _mean(values: np.ndarray) -> str:
    return number(float(values.mean()), 2) if values.size else NOTHING


def _runs(study: Study, kind: ReportKind) -> Html:
    further = [measure.name for measure in kind.further]
    measures = [*kind.summary_columns(run.report for run in study.evaluations), *further]
    with_intervals = kind.measures[:2]
    rows = []
    for run in study.evaluations:
        intervals = run.report.get("intervals") or {}
        values = run.report | kind.measures_of(run.report)
        rows.append(
            [
                *(run.model, run.dataset, run.seed),
                str(run.report.get("n", NOTHING)),
                *(number(as_number(values.get(name)), 3) for name in measures),
                *(interval_cell(intervals.get(measure.name)) for measure in with_intervals),
                str(intervals.get("n_speakers", NOTHING)),
            ]
        )
    return table(
        "Every run, with 95% intervals over speakers",
        [
            *("model", "tested on", "seed", "utterances"),
            *map(measure_name, measures),
            *(f"{measure.display_name}, 95%" for measure in with_intervals),
            "speakers",
        ],
        rows,
        text_columns=2,
        row_headings=3,
        below=[
            "These intervals resample the speakers of the test set (bias-corrected and accelerated "
            "bootstrap): they show how well this one trained model would do on other speakers of the same "
            "kind."
        ],
    )
