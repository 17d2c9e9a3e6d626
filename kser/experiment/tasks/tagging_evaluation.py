"""Evaluating the labels that a model gives, any number of them an utterance."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from kser.evaluation.multi_label import THRESHOLD, multi_label_report
from kser.evaluation.multi_label_plots import plot_label_measures
from kser.experiment.tasks.evaluation import Comparison, Evaluation
from kser.experiment.tasks.report_kinds import LABELS, ReportKind

FIGURE = "label_measures.png"


class TaggingEvaluation(Evaluation):
    """Evaluates a logit for each label, of which any number may be right."""

    report: ClassVar[ReportKind] = LABELS
    answer: ClassVar[str] = "labels"
    activation: ClassVar[Literal["sigmoid"]] = "sigmoid"

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = expit(outputs)
        return probabilities

    def said(self, decoded: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
        probabilities = {name: float(value) for name, value in zip(names, decoded, strict=True)}
        given = tuple(name for name, value in probabilities.items() if value >= THRESHOLD)
        return {"labels": given, "probabilities": probabilities}

    def measures(self, known: Comparison) -> dict[str, Any]:
        return multi_label_report(
            y_true=known.true.to_numpy(bool),
            probabilities=known.predicted,
            labels=known.names,
            speakers=known.speakers,
            groups=known.groups,
        )

    def columns(self, every: Comparison) -> pd.DataFrame:
        """For each label whether it is right, whether it was given, and its probability."""
        tables = [
            every.true.astype(int).add_prefix("true_"),
            self._named((every.predicted >= THRESHOLD).astype(int), every).add_prefix("predicted_"),
            self._named(every.predicted.round(6), every).add_prefix("p_"),
        ]
        return pd.concat(tables, axis=1)

    def write(self, known: Comparison, measures: dict[str, Any], folder: Path) -> None:
        plot_label_measures(measures["per_label"], folder / FIGURE, known.title)

    def needed_files(self, report: dict[str, Any]) -> list[str]:
        return [FIGURE]

    def headline(self, report: dict[str, Any]) -> str:
        return "macro F1 not defined" if report["macro_f1"] is None else f"macro F1 {report['macro_f1']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        if absent := report["labels_without_samples"]:
            return [f"the test set has no utterance of: {', '.join(absent)}"]
        return []

    @staticmethod
    def _named(values: np.ndarray, every: Comparison) -> pd.DataFrame:
        return pd.DataFrame(values, every.table.index, every.names)
