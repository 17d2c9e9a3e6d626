"""Evaluating the class that a model names: measures, confusion matrices, calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.special import softmax

from kser.corpora.emotions import LabelMapping, map_to_model
from kser.errors import UserError
from kser.evaluation.calibration_plots import plot_reliability_diagram
from kser.evaluation.metrics import classification_report, confusion_matrix, row_shares
from kser.evaluation.over_speakers import MOST_GROUPS_COMPARED
from kser.evaluation.plots import distinct_file_names, plot_confusion_matrix
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.tasks.evaluation_kind import GENDER, Findings, Heard, write_csv
from kser.experiment.tasks.report_kinds import CLASSES, ReportKind

CONFUSION_FILE = "confusion_matrix.csv"


@dataclass(frozen=True)
class EvaluationOfClasses:
    """See `evaluation_kind.EvaluationKind`.

    Attributes:
        column: with the class.
    """

    column: str
    report: ReportKind = CLASSES

    def truth(self, row: EvaluationRow, table: pd.DataFrame, model: Any) -> LabelMapping:
        """The classes by the model's names."""
        names = map_to_model(
            table[self.column],
            model.labels,
            row.new_names(),
            row.kept_classes(),
            source=str(row.test_csv),
        )
        if names.labels.isna().all():
            raise UserError(f"{row.test_csv}: {self._nothing_known(model)}")
        return names

    def findings(self, truth: LabelMapping, heard: Heard, model: Any) -> Findings:
        probabilities = softmax(heard.outputs["logits"], axis=1)
        true = truth.labels.loc[heard.table.index]
        predicted = [model.labels[i] for i in probabilities.argmax(axis=1)]
        told = heard.table.assign(true=true, predicted=predicted)
        counted = true.notna()
        if not counted.any():
            raise UserError(self._nothing_known(model))
        outcome = _outcome(told[counted], model.labels)
        measures = classification_report(
            **outcome,
            speakers=heard.speakers(counted),
            probabilities=probabilities[counted.to_numpy()],
            groups=heard.groups(counted),
        )
        columns = [f"p_{label}" for label in model.labels]
        shown = list(dict.fromkeys([self.column, "true", "predicted"]))
        return Findings(
            measures | {"n_excluded": len(truth.labels) - measures["n"]} | _what_became_of_labels(truth),
            pd.concat([told[shown], pd.DataFrame(probabilities.round(6), told.index, columns)], axis=1),
            partial(_write, told=told[counted], labels=model.labels, measures=measures, title=heard.title),
        )

    def files(self, report: dict[str, Any]) -> list[str]:
        return [CONFUSION_FILE, *(f"{name}.csv" for name in matrices_of_groups(report).values())]

    def headline(self, report: dict[str, Any]) -> str:
        return f"UAR {report['uar']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        lines = []
        if renamed := report["labels_renamed"]:
            names = ", ".join(f"{old} → {new}" for old, new in renamed.items())
            lines.append(f"classes by the model's names: {names}")
        if unknown := report["labels_unknown_to_model"]:
            names = ", ".join(f"{of['label']} ({of['support']})" for of in unknown)
            lines.append(f"left out, the model does not know these classes: {names}")
        if left_out := report["labels_left_out"]:
            names = ", ".join(f"{label} ({count})" for label, count in left_out.items())
            lines.append(f"left out, as label_map and classes say: {names}")
        if absent := report["labels_without_samples"]:
            lines.append(f"the test set has no utterance of: {', '.join(absent)}")
        return lines

    def _nothing_known(self, model: Any) -> str:
        return f"{self.column}: no utterance of a class that the model knows ({', '.join(model.labels)})"


def matrices_of_groups(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The confusion matrices of groups that an evaluation writes.

    Args:
        report: with `subgroups`.

    Returns:
        By column and group: the name of the files, without ending, such as `female_confusion_matrix`; for
        columns besides gender the column is in front. Columns of many groups have no matrices.
    """
    keys = {
        (column, group): group if column == GENDER else f"{column}={group}"
        for column, groups in (report.get("subgroups") or {}).items()
        if len(groups) <= MOST_GROUPS_COMPARED or column == GENDER
        for group in groups
    }
    names = distinct_file_names(list(keys.values()))
    return {key: f"{names[name]}_confusion_matrix" for key, name in keys.items()}


def _write(folder: Path, told: pd.DataFrame, labels: Sequence[str], measures: Any, title: str) -> None:
    """Confusion matrices, of all and of groups, and the reliability diagram."""
    _write_matrix(told, labels, folder / CONFUSION_FILE, title)
    for (column, group), name in matrices_of_groups(measures).items():
        rows = told[told[column].astype(str).str.strip() == group]
        of = group if column == GENDER else f"{column}: {group}"
        _write_matrix(rows, labels, folder / f"{name}.csv", f"{title}, {of}")
    bins = pd.DataFrame(measures["calibration"]["reliability"])
    plot_reliability_diagram(bins, folder / "reliability_diagram.png", title)


def _write_matrix(told: pd.DataFrame, labels: Sequence[str], path: Path, title: str) -> None:
    """Counts, shares of the true classes, and a figure."""
    matrix = confusion_matrix(**_outcome(told, labels))
    write_csv(matrix, path, index=True)
    write_csv(row_shares(matrix), path.with_name(f"{path.stem}_shares.csv"), index=True)
    plot_confusion_matrix(matrix, path.with_suffix(".png"), title=title)


def _outcome(told: pd.DataFrame, labels: Sequence[str]) -> dict[str, Any]:
    return {"y_true": told["true"].tolist(), "y_pred": told["predicted"].tolist(), "labels": list(labels)}


def _what_became_of_labels(names: LabelMapping) -> dict[str, Any]:
    unknown = {name: n for name, n in names.left_out.items() if name not in names.asked_out}
    return {
        "labels_renamed": names.mapped,
        "labels_unknown_to_model": [{"label": name, "support": n} for name, n in unknown.items()],
        "labels_left_out": {name: names.left_out[name] for name in names.asked_out},
    }
