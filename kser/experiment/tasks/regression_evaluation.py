"""Evaluating the numbers that a model gives, such as arousal and valence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.errors import UserError
from kser.evaluation.plots import distinct_file_names
from kser.evaluation.regression import regression_report
from kser.evaluation.regression_plots import plot_agreement
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.tasks.evaluation_kind import Findings, Heard
from kser.experiment.tasks.report_kinds import NUMBERS, ReportKind
from kser.experiment.tasks.target_values import numbers_in


@dataclass(frozen=True)
class EvaluationOfNumbers:
    """See `evaluation_kind.EvaluationKind`; the columns are called as the model's targets."""

    report: ReportKind = NUMBERS

    def truth(self, row: EvaluationRow, table: pd.DataFrame, model: Any) -> pd.DataFrame:
        """The numbers, NaN where one is missing."""
        return numbers_in(table, model.targets, str(row.test_csv))

    def findings(self, truth: pd.DataFrame, heard: Heard, model: Any) -> Findings:
        true = truth.loc[heard.table.index]
        predicted = np.asarray(heard.outputs["values"], dtype=np.float64)
        counted = true.notna().any(axis=1)
        if not counted.any():
            raise UserError(f"{', '.join(model.targets)}: no utterance that can be used has a number")
        chosen = counted.to_numpy()
        measures = regression_report(
            y_true=true[counted].to_numpy(),
            y_pred=predicted[chosen],
            targets=model.targets,
            speakers=heard.speakers(counted),
            groups=heard.groups(counted),
        )
        predictions = {
            f"{what}_{column}": values[:, i]
            for i, column in enumerate(model.targets)
            for what, values in (("true", true.to_numpy()), ("predicted", predicted.round(6)))
        }
        return Findings(
            measures | {"n_excluded": len(truth) - measures["n"]},
            pd.DataFrame(predictions, index=heard.table.index),
            partial(_write, true=true, predicted=predicted, title=heard.title),
        )

    def files(self, report: dict[str, Any]) -> list[str]:
        targets = [of["target"] for of in report["per_target"] if of["n"]]
        return [f"{name}.png" for name in figures_of_targets(targets).values()]

    def headline(self, report: dict[str, Any]) -> str:
        return "CCC not defined" if report["ccc"] is None else f"CCC {report['ccc']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        lines = []
        fewer = {of["target"]: report["n"] - of["n"] for of in report["per_target"] if of["n"] < report["n"]}
        if fewer:
            names = ", ".join(f"{target} ({count})" for target, count in fewer.items())
            lines.append(f"utterances without a number: {names}")
        constant = [of["target"] for of in report["per_target"] if of["true_sd"] == 0]
        if constant:
            lines.append(f"the test set has one value alone, so no correlation, of: {', '.join(constant)}")
        if report["targets_without_values"]:
            lines.append(f"the test set has no value of: {', '.join(report['targets_without_values'])}")
        return lines


def figures_of_targets(targets: Sequence[str]) -> dict[str, str]:
    """By target: the name of its figure, without ending."""
    return {target: f"{name}_agreement" for target, name in distinct_file_names(list(targets)).items()}


def _write(folder: Path, true: pd.DataFrame, predicted: np.ndarray, title: str) -> None:
    """A figure a target that has values."""
    there = true.notna().any().to_numpy()
    for target, name in figures_of_targets(list(map(str, true.columns[there]))).items():
        values = predicted[:, true.columns.get_loc(target)]
        plot_agreement(true[target].to_numpy(), values, target, folder / f"{name}.png", title)
