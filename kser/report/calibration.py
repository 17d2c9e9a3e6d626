"""Calibration: whether the models' probabilities mean what they say."""

from collections.abc import Sequence
from typing import Any

from kser.grouping import grouped
from kser.report.markup import Html, element, join, paragraph
from kser.report.numbers import known, mean_and_spread
from kser.report.study_folder import Study
from kser.report.tables import table

_MEASURES = {
    "ece": "ECE",
    "ece_scaled": "ECE scaled",
    "mce": "MCE",
    "ece_adaptive": "adaptive ECE",
    "brier": "Brier",
    "nll": "NLL",
}
_SIDE, _MARGIN = 180, 34


def calibration_section(study: Study) -> Html:
    """Errors of calibration, and a reliability diagram of all runs of each model on each test set."""
    conditions = {
        condition: found
        for condition, runs in study.conditions.items()
        if (found := [run.report["calibration"] for run in runs if run.report.get("calibration")])
    }
    if not conditions:
        return paragraph("The evaluations hold no calibration; kser eval --redo adds it.")
    rows = [
        [model, dataset, *(mean_and_spread(report.get(name) for report in found) for name in _MEASURES)]
        for (model, dataset), found in conditions.items()
    ]
    diagrams = [
        _diagram(f"{model} on {dataset}", bins)
        for (model, dataset), found in conditions.items()
        if (bins := pooled_bins([report.get("reliability") or [] for report in found]))
    ]
    return join(
        [
            table(
                "Calibration, mean ± SD over runs",
                ["model", "tested on", *_MEASURES.values()],
                rows,
                text_columns=2,
                row_headings=2,
                below=[
                    "ECE and MCE are the expected and the maximum calibration error over bins of equal "
                    "width; ECE scaled is the expected one after temperature scaling, with the temperature "
                    "that the validation part gave, as kser predict applies it; adaptive ECE uses bins with "
                    "equal numbers of utterances; Brier is the Brier score, and NLL the negative "
                    "log-likelihood. Lower is better, and 0 is perfect."
                ],
            ),
            paragraph(
                "In the diagrams the height of a bar is the accuracy of the utterances with that confidence; "
                "the line below it is the wider, the more of them there are. A perfectly calibrated model "
                "follows the dashed line. The utterances of all runs are pooled."
            )
            if diagrams
            else "",
            element("div", *diagrams, class_="diagrams"),
        ]
    )


def pooled_bins(by_run: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, float]]:
    """The utterances of all runs in one set of bins.

    Args:
        by_run: the entry `reliability` of each run's report.

    Returns:
        One entry for each bin in which any run has utterances: `low`, `high`, `n`, and mean `accuracy` and
        `confidence`, weighted by utterances.
    """
    filled = grouped(
        ((entry["low"], entry["high"]), entry)
        for bins in by_run
        for entry in bins
        if entry.get("n") and known([entry.get("accuracy"), entry.get("confidence")]).size == 2
    )
    pooled = []
    for (low, high), entries in sorted(filled.items()):
        n = sum(entry["n"] for entry in entries)
        means = {
            name: sum(entry["n"] * entry[name] for entry in entries) / n
            for name in ("accuracy", "confidence")
        }
        pooled.append({"low": low, "high": high, "n": n, **means})
    return pooled


def _diagram(title: str, bins: Sequence[dict[str, float]]) -> Html:
    most = max(entry["n"] for entry in bins)

    def at(share: float) -> float:
        return round(share * _SIDE, 1)

    bars = []
    for entry in bins:
        width = at(entry["high"]) - at(entry["low"])
        left, height = _MARGIN + at(entry["low"]), at(entry["accuracy"])
        bars.append(
            element("rect", x=left + 0.5, width=width - 1, y=_SIDE - height, height=height, class_="bar")
        )
        weight = max(1.0, width * entry["n"] / most)
        bars.append(
            element(
                "rect",
                x=round(left + (width - weight) / 2, 1),
                width=round(weight, 1),
                y=_SIDE + 3,
                height=4,
                class_="weight",
            )
        )
    values = "; ".join(
        f"{entry['confidence']:.0%} confident, {entry['accuracy']:.0%} right ({entry['n']:g})"
        for entry in bins
    )
    drawing = element(
        "svg",
        element("title", f"Reliability diagram of {title}: {values}"),
        element("rect", x=_MARGIN, y=0, width=_SIDE, height=_SIDE, class_="ground"),
        *bars,
        element("line", x1=_MARGIN, y1=_SIDE, x2=_MARGIN + _SIDE, y2=0, class_="perfect"),
        *_axis_labels(),
        viewBox=f"-2 -6 {_SIDE + _MARGIN + 18} {_SIDE + 44}",
        class_="reliability",
        role="img",
    )
    return element("figure", drawing, element("figcaption", title))


def _axis_labels() -> list[Html]:
    labels = [
        element("text", f"{tick:.0%}", x=_MARGIN + tick * _SIDE, y=_SIDE + 19, text_anchor="middle")
        for tick in (0.0, 0.5, 1.0)
    ]
    labels += [
        element("text", f"{tick:.0%}", x=_MARGIN - 3, y=_SIDE * (1 - tick) + 4, text_anchor="end")
        for tick in (0.5, 1.0)
    ]
    centre = _MARGIN + _SIDE / 2
    labels.append(element("text", "confidence", x=centre, y=_SIDE + 33, text_anchor="middle"))
    labels.append(element("text", "accuracy", x=_MARGIN + 5, y=12))
    return labels
