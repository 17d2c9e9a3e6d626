"""Evaluating the numbers that a model gives, such as arousal and valence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from kser.evaluation.plots import distinct_file_names
from kser.evaluation.regression import regression_report
from kser.evaluation.regression_plots import plot_agreement
from kser.experiment.tasks.evaluation import Comparison, Evaluation
from kser.experiment.tasks.report_kinds import NUMBERS, ReportKind


class RegressionEvaluation(Evaluation):
    """Evaluates one number for each target; an utterance may lack some of them."""

    report: ClassVar[ReportKind] = NUMBERS
    answer: ClassVar[str] = "a number"

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        return outputs

    def measures(self, known: Comparison) -> dict[str, Any]:
        return regression_report(
            y_true=known.true.to_numpy(),
            y_pred=known.predicted,
            targets=known.names,
            speakers=known.speakers,
            groups=known.groups,
        )

    def columns(self, every: Comparison) -> pd.DataFrame:
        """The true number and the predicted one, target by target."""
        columns: dict[str, Any] = {}
        for position, name in enumerate(every.names):
            columns[f"true_{name}"] = every.true[name]
            columns[f"predicted_{name}"] = every.predicted[:, position].round(6)
        return pd.DataFrame(columns, index=every.table.index)

    def write(self, known: Comparison, measures: dict[str, Any], folder: Path) -> None:
        """A figure for each target that has values."""
        rated = [name for name in known.names if known.true[name].notna().any()]
        for target, file_name in figures_of_targets(rated).items():
            predicted = known.predicted[:, known.names.index(target)]
            path = folder / f"{file_name}.png"
            plot_agreement(known.true[target].to_numpy(), predicted, target, path, known.title)

    def needed_files(self, report: dict[str, Any]) -> list[str]:
        rated = [target["target"] for target in report["per_target"] if target["n"]]
        return [f"{name}.png" for name in figures_of_targets(rated).values()]

    def headline(self, report: dict[str, Any]) -> str:
        return "CCC not defined" if report["ccc"] is None else f"CCC {report['ccc']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        lines = []
        targets = report["per_target"]
        lacking = {target["target"]: report["n"] - target["n"] for target in targets}
        if any(lacking.values()):
            names = ", ".join(f"{target} ({count})" for target, count in lacking.items() if count)
            lines.append(f"utterances without a number: {names}")
        constant = [target["target"] for target in targets if target["true_sd"] == 0]
        if constant:
            lines.append(f"the test set has only one value, so no correlation, of: {', '.join(constant)}")
        if elsewhere := [target["target"] for target in targets if _is_on_another_scale(target)]:
            lines.append(
                "the predictions seem to be on another scale than the numbers of the test set, which only "
                f"Pearson's r forgives: {', '.join(elsewhere)}"
            )
        if report["targets_without_values"]:
            lines.append(f"the test set has no value of: {', '.join(report['targets_without_values'])}")
        return lines


def _is_on_another_scale(target: Mapping[str, Any]) -> bool:
    """Whether most of the true numbers of a target and most of the predicted ones lie apart.

    Published models rate from 0 to 1 what corpora rate from 1 to 5 or 7.
    """
    if not target["n"] or not target["true_sd"]:
        return False
    distance = abs(target["predicted_mean"] - target["true_mean"])
    return bool(distance > 2.0 * (target["predicted_sd"] + target["true_sd"]))


def figures_of_targets(targets: Sequence[str]) -> dict[str, str]:
    """By target: the name of its figure, without ending."""
    return {target: f"{name}_agreement" for target, name in distinct_file_names(list(targets)).items()}
