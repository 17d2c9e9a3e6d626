"""Figures of the parts of results: predicted over true values of targets, or measures of labels."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from kser.errors import UserError
from kser.evaluation.multi_label_plots import draw_label_measures
from kser.evaluation.regression_plots import draw_agreement
from kser.experiment.tasks.report_kinds import Parts
from kser.report.images import figure_image
from kser.report.markup import Html, element, join, notes
from kser.report.numbers import known
from kser.report.predictions import read_predictions
from kser.report.study_folder import Evaluation, Study, entries_by_part

MOST_FIGURES = 12
"""More conditions have no figure of their own in the page; each evaluation's folder has its figures."""

_WHAT = {
    "agreement": "Predicted over true values of {condition}, the utterances of all runs together",
    "bars": "Precision, recall, F1 and AUC of each label of {condition}, means over runs",
}


def part_figures(study: Study, parts: Parts | None) -> Html:
    """The figure that the parts ask for, of each model on each test set; nothing if they ask for none."""
    if parts is None or parts.figure is None:
        return Html("")
    draw = {"agreement": _agreement, "bars": _bars}[parts.figure]
    drawn: list[Html] = []
    problems: list[str] = []
    for (model, dataset), runs in list(study.conditions.items())[:MOST_FIGURES]:
        what = _WHAT[parts.figure].format(condition=f"{model} on {dataset}")
        if figure := draw(runs, parts, problems):
            drawn.append(element("figure", figure_image(figure, what), element("figcaption", f"{what}.")))
    if len(study.conditions) > MOST_FIGURES:
        problems.append(f"Only the first {MOST_FIGURES} of {len(study.conditions)} figures are on this page.")
    return join([*drawn, notes(list(dict.fromkeys(problems)))])


def _agreement(runs: Sequence[Evaluation], parts: Parts, problems: list[str]) -> Figure | None:
    pooled = {name: _pooled(name, runs, problems) for name in entries_by_part(runs, parts)}
    shown = {name: values for name, values in pooled.items() if values["true"].notna().any()}
    if not shown:
        return None
    figure = Figure(figsize=(4.4 * len(shown), 4.4), layout="constrained")
    all_axes = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (name, values) in zip(all_axes, shown.items(), strict=True):
        draw_agreement(axes, values["true"], values["predicted"], name)
    return figure


def _pooled(target: str, runs: Sequence[Evaluation], problems: list[str]) -> pd.DataFrame:
    """True and predicted values of all runs; a line for each run whose predictions cannot be read."""
    found = [pd.DataFrame({"true": [], "predicted": []}, dtype=float)]
    columns = {side: f"{side}_{target}" for side in ("true", "predicted")}
    for run in runs:
        try:
            predictions = read_predictions(run.folder, list(columns.values()))
        except UserError as error:
            problems += str(error).splitlines()
            continue
        values = {side: pd.to_numeric(predictions[name], errors="coerce") for side, name in columns.items()}
        found.append(pd.DataFrame(values).dropna())
    return pd.concat(found, ignore_index=True)


def _bars(runs: Sequence[Evaluation], parts: Parts, problems: list[str]) -> Figure:
    means: list[dict[str, Any]] = []
    for label, entries in entries_by_part(runs, parts).items():
        keys = ("support", *(measure.name for measure in parts.measures))
        values = {key: known(entry.get(key) for entry in entries) for key in keys}
        means.append({key: float(found.mean()) if found.size else None for key, found in values.items()})
        means[-1] |= {"label": label, "support": means[-1]["support"] or 0}
    figure = Figure(figsize=(6.0, 0.9 + 0.62 * len(means)), layout="constrained")
    draw_label_measures(figure.subplots(), means)
    return figure
