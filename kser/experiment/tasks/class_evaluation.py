"""Evaluating the class that a model names: measures, confusion matrices, calibration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from scipy.special import softmax

from kser.evaluation.calibration import expected_calibration_error, reliability_bins
from kser.evaluation.calibration_plots import plot_reliability_diagram
from kser.evaluation.metrics import classification_report, confusion_matrix, row_shares
from kser.evaluation.over_speakers import MOST_GROUPS_COMPARED
from kser.evaluation.plots import distinct_file_names, plot_confusion_matrix
from kser.evaluation.temperature import scaled_probabilities
from kser.experiment.tasks.evaluation import GENDER, Comparison, Evaluation
from kser.experiment.tasks.report_kinds import CLASSES, ReportKind
from kser.spreadsheets import write_csv

CONFUSION_FILE = "confusion_matrix.csv"


class ClassEvaluation(Evaluation):
    """Evaluates logits over classes, of which one is right."""

    report: ClassVar[ReportKind] = CLASSES
    answer: ClassVar[str] = "a class that the model knows"
    activation: ClassVar[Literal["softmax"]] = "softmax"

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = softmax(outputs, axis=1)
        return probabilities

    def said(self, decoded: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
        best = int(decoded.argmax())
        probabilities = {name: float(value) for name, value in zip(names, decoded, strict=True)}
        return {"label": names[best], "probability": float(decoded[best]), "probabilities": probabilities}

    def measures(self, known: Comparison) -> dict[str, Any]:
        report = classification_report(
            **_labelled(_named(known), known.names),
            speakers=known.speakers,
            probabilities=known.predicted,
            groups=known.groups,
        )
        if known.temperature is not None:
            report["calibration"] |= _after_scaling(known, known.temperature)
        return report

    def columns(self, every: Comparison) -> pd.DataFrame:
        """The class as the test set has it, by the model's name, and as predicted; and all probabilities."""
        probabilities = pd.DataFrame(
            every.predicted.round(6), every.table.index, [f"p_{name}" for name in every.names]
        )
        shown = list(dict.fromkeys([*every.true, "true", "predicted"]))
        return pd.concat([_named(every)[shown], probabilities], axis=1)

    def write(self, known: Comparison, measures: dict[str, Any], folder: Path) -> None:
        """Confusion matrices, of all and of groups, and the reliability diagram."""
        table, title = _named(known), known.title
        _write_matrix(table, known.names, folder / CONFUSION_FILE, title)
        for (column, group), name in matrices_of_groups(measures).items():
            rows = table[table[column].astype(str).str.strip() == group]
            who = group if column == GENDER else f"{column}: {group}"
            _write_matrix(rows, known.names, folder / f"{name}.csv", f"{title}, {who}")
        bins = pd.DataFrame(measures["calibration"]["reliability"])
        plot_reliability_diagram(bins, folder / "reliability_diagram.png", title)

    def needed_files(self, report: dict[str, Any]) -> list[str]:
        return [CONFUSION_FILE, *(f"{name}.csv" for name in matrices_of_groups(report).values())]

    def headline(self, report: dict[str, Any]) -> str:
        return f"UAR {report['uar']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        lines = []
        if renamed := report["labels_renamed"]:
            names = ", ".join(f"{old} → {new}" for old, new in renamed.items())
            lines.append(f"classes by the model's names: {names}")
        if unknown := report["labels_unknown_to_model"]:
            names = ", ".join(f"{label['label']} ({label['support']})" for label in unknown)
            lines.append(f"left out, the model does not know these classes: {names}")
        if left_out := report["labels_left_out"]:
            names = ", ".join(f"{label} ({count})" for label, count in left_out.items())
            lines.append(f"left out, as label_map and classes say: {names}")
        if absent := report["labels_without_samples"]:
            lines.append(f"the test set has no utterance of: {', '.join(absent)}")
        return lines


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


def _named(comparison: Comparison) -> pd.DataFrame:
    """The metadata with the columns `true` and `predicted`, classes by the model's names."""
    predicted = [comparison.names[position] for position in comparison.predicted.argmax(axis=1)]
    return comparison.table.assign(true=comparison.true.iloc[:, 0], predicted=predicted)


def _after_scaling(known: Comparison, temperature: float) -> dict[str, float]:
    """The expected calibration error at the model's temperature."""
    bins = reliability_bins(
        y_true=known.true.iloc[:, 0].tolist(),
        probabilities=scaled_probabilities(known.predicted, temperature),
        labels=known.names,
    )
    return {"temperature": temperature, "ece_scaled": expected_calibration_error(bins)}


def _labelled(table: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    return {"y_true": table["true"].tolist(), "y_pred": table["predicted"].tolist(), "labels": labels}


def _write_matrix(table: pd.DataFrame, labels: list[str], path: Path, title: str) -> None:
    """Counts, shares of the true classes, and a figure."""
    matrix = confusion_matrix(**_labelled(table, labels))
    write_csv(matrix, path, index=True)
    write_csv(row_shares(matrix), path.with_name(f"{path.stem}_shares.csv"), index=True)
    plot_confusion_matrix(matrix, path.with_suffix(".png"), title=title)
