"""Results of models that predict numbers: each model on each test set over its seeds, and run by run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kser.errors import UserError
from kser.evaluation.measure_names import measure_name
from kser.evaluation.regression_plots import draw_agreement
from kser.evaluation.statistics.tables import NOTHING, number
from kser.experiment.tasks.report_kinds import NUMBERS
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
from kser.report.predictions import read_predictions
from kser.report.strip import strip
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table

MOST_FIGURES = 12
"""More conditions have no figure of their own in the page; each evaluation's folder has its figures."""


def regression_results_section(study: Study) -> Html:
    """A row a model and test set, every run a dot; targets; predicted over true values; runs, folded."""
    return join(
        [
            _conditions(study),
            _targets(study),
            _figures(study),
            details("Run by run, with the intervals over speakers", _runs(study)),
        ]
    )


def _conditions(study: Study) -> Html:
    measures = NUMBERS.columns(of.report for of in study.evaluations)
    values = {of.folder: NUMBERS.measures_of(of.report) for of in study.evaluations}
    lowest = known(of["ccc"] for of in values.values()).min(initial=0.0)
    rows: list[list[object]] = []
    for (model, dataset), runs in study.conditions.items():
        found = [values[of.folder] for of in runs]
        ccc = [of["ccc"] for of in found]
        rows.append(
            [
                model,
                dataset,
                strip(ccc, "CCC", low=-1.0 if lowest < 0 else 0.0, dashed=[0.0]),
                str(len(runs)),
                element("strong", mean_and_spread(ccc)),
                bounds(interval_of_mean(ccc, low=-1.0)),
                *(mean_and_spread(of.get(name) for of in found) for name in measures[1:]),
            ]
        )
    return table(
        "Mean ± SD over runs",
        [
            "model",
            "tested on",
            "CCC of each run",
            "runs",
            "CCC",
            "95% interval",
            *map(measure_name, measures[1:]),
        ],
        rows,
        text_columns=3,
        row_headings=2,
        below=[
            "CCC is the concordance correlation coefficient (1: predictions equal the truth; 0: no "
            "agreement). CCC, MSE and r without a name are means over the targets. The interval is that of "
            "the mean over runs (Student's t, within −1 and 1): it tells how seeds and splits vary, not how "
            f"speakers do. Fewer than {FEWEST_RUNS} runs have none.",
            f"The picture has a dot for each run from {'−1' if lowest < 0 else '0'} to 1, and a line at the "
            "mean.",
        ],
    )


def _targets(study: Study) -> Html:
    rows = []
    for (model, dataset), runs in study.conditions.items():
        by_target: dict[str, list[dict[str, object]]] = {}
        for of in runs:
            for entry in of.report["per_target"]:
                by_target.setdefault(str(entry.get("target")), []).append(entry)
        for target, entries in by_target.items():
            rows.append(
                [
                    model,
                    dataset,
                    target,
                    range_of(of.get("n") for of in entries),
                    *(mean_and_spread(of.get(name) for of in entries) for name in ("ccc", "pearson", "mse")),
                    *(
                        f"{_mean(entries, f'{side}_mean')} ({_mean(entries, f'{side}_sd')})"
                        for side in ("true", "predicted")
                    ),
                ]
            )
    return table(
        "By target: mean ± SD over runs",
        [
            *("model", "tested on", "target", "utterances", "CCC", "r", "MSE"),
            *("true mean (SD)", "predicted mean (SD)"),
        ],
        rows,
        text_columns=3,
        row_headings=3,
        below=[
            "The last two columns, means over runs in the unit of the target, tell why CCC is lower than r: "
            "a model that answers beside the mean, or more narrowly than the truth, agrees less than it "
            "correlates."
        ],
    )


def _mean(entries: Sequence[dict[str, object]], name: str) -> str:
    there = known(of.get(name) for of in entries)
    return number(float(there.mean()), 2) if there.size else NOTHING


def _figures(study: Study) -> Html:
    drawn: list[Html] = []
    problems: list[str] = []
    for (model, dataset), runs in list(study.conditions.items())[:MOST_FIGURES]:
        by_target = {name: _pooled(name, runs, problems) for name in _target_names(runs)}
        there = {name: values for name, values in by_target.items() if values["true"].notna().any()}
        if not there:
            continue
        figure = Figure(figsize=(4.4 * len(there), 4.4), layout="constrained")
        all_axes = figure.subplots(1, len(there), squeeze=False)[0]
        for axes, (name, values) in zip(all_axes, there.items(), strict=True):
            draw_agreement(axes, values["true"], values["predicted"], name)
        drawn.append(
            element(
                "figure",
                figure_image(figure, f"Predicted over true values of {model} on {dataset}"),
                element("figcaption", f"{model} on {dataset}, the utterances of all runs together."),
            )
        )
    if len(study.conditions) > MOST_FIGURES:
        problems.append(f"The first {MOST_FIGURES} of {len(study.conditions)} models on test sets are drawn.")
    return join([*drawn, notes(list(dict.fromkeys(problems)))])


def _target_names(runs: Sequence[Evaluation]) -> list[str]:
    return list(dict.fromkeys(str(of.get("target")) for run in runs for of in run.report["per_target"]))


def _pooled(target: str, runs: Sequence[Evaluation], problems: list[str]) -> pd.DataFrame:
    """True and predicted values of all runs; a line for each run that has none that can be read."""
    found = [pd.DataFrame({"true": [], "predicted": []}, dtype=float)]
    for of in runs:
        columns = {side: f"{side}_{target}" for side in ("true", "predicted")}
        try:
            told = read_predictions(of.folder / "predictions.csv", list(columns.values()))
        except UserError as error:
            problems += str(error).splitlines()
            continue
        values = {side: pd.to_numeric(told[name], errors="coerce") for side, name in columns.items()}
        found.append(pd.DataFrame(values).dropna())
    return pd.concat(found, ignore_index=True)


def _runs(study: Study) -> Html:
    measures = NUMBERS.columns(of.report for of in study.evaluations)
    rows = []
    for of in study.evaluations:
        intervals = of.report.get("intervals") or {}
        values = NUMBERS.measures_of(of.report)
        rows.append(
            [
                of.model,
                of.dataset,
                of.seed,
                str(of.report.get("n", NOTHING)),
                *(number(values.get(name, np.nan), 3) for name in measures),
                bounds(intervals.get("ccc")),
                bounds(intervals.get("mse")),
                str(intervals.get("n_speakers", NOTHING)),
            ]
        )
    return table(
        "Every run, with 95% intervals over speakers",
        [
            *("model", "tested on", "seed", "utterances", *map(measure_name, measures)),
            *("CCC, 95%", "MSE, 95%", "speakers"),
        ],
        rows,
        text_columns=2,
        row_headings=3,
        below=[
            "These intervals resample the speakers of the test set (bias-corrected accelerated bootstrap): "
            "they tell how this one trained model would do on other speakers of the same kind."
        ],
    )
