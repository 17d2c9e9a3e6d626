"""Evaluating the labels that a model gives, any number of them an utterance."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.special import expit

from kser.evaluation.multi_label import THRESHOLD, multi_label_report
from kser.evaluation.multi_label_plots import plot_label_measures
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.tasks.evaluation_kind import Findings, Heard
from kser.experiment.tasks.report_kinds import LABELS, ReportKind
from kser.experiment.tasks.target_values import labels_in

FIGURE = "label_measures.png"


@dataclass(frozen=True)
class EvaluationOfLabels:
    """See `evaluation_kind.EvaluationKind`; the columns are called as the model's labels."""

    report: ReportKind = LABELS

    def truth(self, row: EvaluationRow, table: pd.DataFrame, model: Any) -> pd.DataFrame:
        """Which labels an utterance has."""
        return labels_in(table, model.labels, str(row.test_csv))

    def findings(self, truth: pd.DataFrame, heard: Heard, model: Any) -> Findings:
        true = truth.loc[heard.table.index]
        probabilities = expit(heard.outputs["logits"])
        everyone = pd.Series(True, index=true.index)
        measures = multi_label_report(
            y_true=true.to_numpy(),
            probabilities=probabilities,
            labels=model.labels,
            speakers=heard.speakers(everyone),
            groups=heard.groups(everyone),
        )
        given = (probabilities >= THRESHOLD).astype(int)
        predictions = {f"true_{label}": true[label].astype(int).to_numpy() for label in model.labels}
        predictions |= {f"predicted_{label}": given[:, i] for i, label in enumerate(model.labels)}
        predictions |= {f"p_{label}": probabilities[:, i].round(6) for i, label in enumerate(model.labels)}
        return Findings(
            measures | {"n_excluded": len(truth) - measures["n"]},
            pd.DataFrame(predictions, index=heard.table.index),
            partial(_write, measures=measures, title=heard.title),
        )

    def files(self, report: dict[str, Any]) -> list[str]:
        return [FIGURE]

    def headline(self, report: dict[str, Any]) -> str:
        return "macro F1 not defined" if report["macro_f1"] is None else f"macro F1 {report['macro_f1']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        if absent := report["labels_without_samples"]:
            return [f"the test set has no utterance of: {', '.join(absent)}"]
        return []


def _write(folder: Path, measures: dict[str, Any], title: str) -> None:
    plot_label_measures(measures["per_label"], folder / FIGURE, title)
