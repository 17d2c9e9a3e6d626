"""Results: each model on each test set over its seeds, and run by run."""

from collections.abc import Sequence

import numpy as np

from kser.evaluation.statistics.tables import NOTHING, number
from kser.experiment.report.cautions import chance_level
from kser.experiment.report.markup import Html, details, element, join, paragraph
from kser.experiment.report.numbers import FEWEST_RUNS, bounds, interval_of_mean, known, mean_and_spread
from kser.experiment.report.study_folder import Evaluation, Study
from kser.experiment.report.tables import table

_MEASURES = {"uar": "UAR", "wa": "WA", "macro_f1": "macro F1"}
_FURTHER = {"weighted_f1": "weighted F1", "mcc": "MCC"}
_STRIP_WIDTH, _STRIP_HEIGHT, _STRIP_MARGIN = 160, 26, 6


def results_section(study: Study) -> Html:
    """A row a model and test set, every run a dot; below, folded, a row a run, and recalls by class."""
    if not study.evaluations:
        return paragraph("No run has been evaluated.")
    return join(
        [
            _conditions(study),
            details("Run by run, with the intervals over speakers", _runs(study)),
            details("Recall by class", _recalls(study)),
        ]
    )


def _conditions(study: Study) -> Html:
    rows: list[list[object]] = []
    for (model, dataset), runs in study.conditions.items():
        uar = [of.report.get("uar") for of in runs]
        rows.append(
            [
                model,
                dataset,
                _strip(runs),
                str(len(runs)),
                element("strong", mean_and_spread(uar)),
                bounds(interval_of_mean(uar)),
                *(mean_and_spread(of.report.get(name) for of in runs) for name in list(_MEASURES)[1:]),
            ]
        )
    return table(
        "Mean ± SD over runs",
        ["model", "tested on", "UAR of each run", "runs", "UAR", "95% interval", "WA", "macro F1"],
        rows,
        text_columns=3,
        row_headings=2,
        below=[
            "UAR (unweighted average recall, also unweighted accuracy) is the mean of the recalls of the "
            "classes; WA (weighted accuracy) is plain accuracy. The interval is that of the mean over runs "
            "(Student's t, within 0 and 1): it tells how seeds and splits vary, not how speakers do. "
            f"Fewer than {FEWEST_RUNS} runs have none.",
            "The picture has a dot for each run from 0 to 1, a line at the mean and a dashed one at chance.",
        ],
    )


def _strip(runs: Sequence[Evaluation]) -> Html:
    """UAR of the runs as dots on a line from 0 to 1."""
    values = known(of.report.get("uar") for of in runs)
    if not values.size:
        return Html("")
    middle = _STRIP_HEIGHT / 2

    def at(value: float) -> str:
        return f"{_STRIP_MARGIN + value * (_STRIP_WIDTH - 2 * _STRIP_MARGIN):.1f}"

    def upright(value: float, half: float, class_: str) -> Html:
        return element("line", x1=at(value), x2=at(value), y1=middle - half, y2=middle + half, class_=class_)

    axis = element("line", x1=at(0), x2=at(1), y1=middle, y2=middle, class_="axis")
    ticks = [upright(tick, 3, "axis") for tick in (0.0, 0.5, 1.0)]
    chance = [upright(level, 11, "chance") for level in known({chance_level(of) for of in runs})]
    dots = [element("circle", cx=at(value), cy=middle, r="3.5", class_="dot") for value in values]
    mean = upright(float(values.mean()), 9, "mean")
    told = f"UAR of the runs: {', '.join(f'{value:.3f}' for value in values)}"
    return element(
        "svg",
        element("title", told),
        axis,
        *ticks,
        *chance,
        *dots,
        mean,
        class_="strip",
        viewBox=f"0 0 {_STRIP_WIDTH} {_STRIP_HEIGHT}",
        width=_STRIP_WIDTH,
        height=_STRIP_HEIGHT,
        role="img",
    )


def _runs(study: Study) -> Html:
    measures = _MEASURES | _FURTHER
    rows = []
    for of in study.evaluations:
        intervals = of.report.get("intervals") or {}
        rows.append(
            [
                of.model,
                of.dataset,
                of.seed,
                str(of.report.get("n", NOTHING)),
                *(number(_float(of.report.get(name)), 3) for name in measures),
                bounds(intervals.get("uar")),
                bounds(intervals.get("wa")),
                str(intervals.get("n_speakers", NOTHING)),
            ]
        )
    headings = ["model", "tested on", "seed", "utterances", *measures.values()]
    return table(
        "Every run, with 95% intervals over speakers",
        [*headings, "UAR, 95%", "WA, 95%", "speakers"],
        rows,
        text_columns=2,
        row_headings=3,
        below=[
            "These intervals resample the speakers of the test set (bias-corrected accelerated bootstrap): "
            "they tell how this one trained model would do on other speakers of the same kind."
        ],
    )


def _recalls(study: Study) -> Html:
    labels = list(
        dict.fromkeys(
            str(entry.get("label")) for of in study.evaluations for entry in of.report.get("per_label") or ()
        )
    )
    rows = []
    for (model, dataset), runs in study.conditions.items():
        by_label: dict[str, list[float | None]] = {}
        for of in runs:
            for entry in of.report.get("per_label") or ():
                by_label.setdefault(str(entry.get("label")), []).append(entry.get("recall"))
        rows.append([model, dataset, *(mean_and_spread(by_label.get(label, ())) for label in labels)])
    return table(
        "Recall, mean ± SD over runs", ["model", "tested on", *labels], rows, text_columns=2, row_headings=2
    )


def _float(value: object) -> float:
    found = known([value])
    return float(found[0]) if found.size else float(np.nan)
