"""Results of models that give any number of labels: each model on each test set over its seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kser.evaluation.measure_names import measure_name
from kser.evaluation.multi_label_plots import draw_label_measures
from kser.evaluation.statistics.tables import NOTHING, number
from kser.experiment.tasks.report_kinds import LABELS
from kser.report.images import figure_image
from kser.report.markup import Html, details, element, join, notes
from kser.report.numbers import (
    FEWEST_RUNS,
    bounds,
    interval_of_mean,
    known,
    mean_and_spread,
    range_of,
)
from kser.report.strip import strip
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table

MOST_FIGURES = 12
_PART = ("precision", "recall", "f1", "auc", "average_precision")
_PART_NAMES = ("precision", "recall", "F1", "AUC", "average precision")


def multi_label_results_section(study: Study) -> Html:
    """A row a model and test set, every run a dot; labels, as a table and as bars; runs, folded."""
    return join(
        [
            _conditions(study),
            _labels(study),
            _figures(study),
            details("Run by run, with the intervals over speakers", _runs(study)),
        ]
    )


def _conditions(study: Study) -> Html:
    rows: list[list[object]] = []
    for (model, dataset), runs in study.conditions.items():
        found = [LABELS.measures_of(of.report) for of in runs]
        main = [of[LABELS.main] for of in found]
        rows.append(
            [
                model,
                dataset,
                strip(main, measure_name(LABELS.main)),
                str(len(runs)),
                element("strong", mean_and_spread(main)),
                bounds(interval_of_mean(main)),
                *(mean_and_spread(of[name] for of in found) for name in LABELS.measures[1:]),
            ]
        )
    names = [measure_name(name) for name in LABELS.measures]
    return table(
        "Mean ± SD over runs",
        ["model", "tested on", f"{names[0]} of each run", "runs", names[0], "95% interval", *names[1:]],
        rows,
        text_columns=3,
        row_headings=2,
        below=[
            "Macro F1 is the mean F1 of the labels, micro F1 that of all decisions together; AUC is the area "
            "under the ROC curve (0.5: chance); subset accuracy is the share of utterances whose labels are "
            "all right; Hamming loss is the share of decisions that are wrong. The interval is that of the "
            "mean over runs (Student's t, within 0 and 1): it tells how seeds and splits vary, not how "
            f"speakers do. Fewer than {FEWEST_RUNS} runs have none.",
            "The picture has a dot for each run from 0 to 1, and a line at the mean.",
        ],
    )


def _by_label(runs: Sequence[Evaluation]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for of in runs:
        for entry in of.report["per_label"]:
            found.setdefault(str(entry.get("label")), []).append(entry)
    return found


def _labels(study: Study) -> Html:
    rows = [
        [
            *(model, dataset, label),
            range_of(of.get("support") for of in entries),
            range_of(of.get("predicted") for of in entries),
            *(mean_and_spread(of.get(name) for of in entries) for name in _PART),
        ]
        for (model, dataset), runs in study.conditions.items()
        for label, entries in _by_label(runs).items()
    ]
    return table(
        "By label: mean ± SD over runs",
        ["model", "tested on", "label", "have it", "were given it", *_PART_NAMES],
        rows,
        text_columns=3,
        row_headings=3,
    )


def _figures(study: Study) -> Html:
    drawn = []
    for (model, dataset), runs in list(study.conditions.items())[:MOST_FIGURES]:
        means = [
            {"label": label, **{name: _mean(entries, name) for name in (*_PART, "support")}}
            for label, entries in _by_label(runs).items()
        ]
        figure = Figure(figsize=(6.0, 0.9 + 0.62 * len(means)), layout="constrained")
        draw_label_measures(figure.subplots(), [of | {"support": of["support"] or 0} for of in means])
        drawn.append(
            element(
                "figure",
                figure_image(figure, f"Precision, recall, F1 and AUC of each label of {model} on {dataset}"),
                element("figcaption", f"{model} on {dataset}, means over runs."),
            )
        )
    left_out = len(study.conditions) > MOST_FIGURES
    told = [f"The first {MOST_FIGURES} of {len(study.conditions)} models on test sets are drawn."]
    return join([*drawn, notes(told if left_out else [])])


def _mean(entries: Sequence[dict[str, Any]], name: str) -> float | None:
    there = known(of.get(name) for of in entries)
    return float(there.mean()) if there.size else None


def _runs(study: Study) -> Html:
    rows = []
    for of in study.evaluations:
        intervals = of.report.get("intervals") or {}
        values = LABELS.measures_of(of.report)
        rows.append(
            [
                of.model,
                of.dataset,
                of.seed,
                str(of.report.get("n", NOTHING)),
                *(number(values.get(name, np.nan), 3) for name in LABELS.measures),
                bounds(intervals.get("macro_f1")),
                bounds(intervals.get("micro_f1")),
                str(intervals.get("n_speakers", NOTHING)),
            ]
        )
    return table(
        "Every run, with 95% intervals over speakers",
        [
            *("model", "tested on", "seed", "utterances", *map(measure_name, LABELS.measures)),
            *("macro F1, 95%", "micro F1, 95%", "speakers"),
        ],
        rows,
        text_columns=2,
        row_headings=3,
        below=[
            "These intervals resample the speakers of the test set (bias-corrected accelerated bootstrap): "
            "they tell how this one trained model would do on other speakers of the same kind."
        ],
    )
