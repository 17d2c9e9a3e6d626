"""What one evaluation leaves in its folder: measures, matrices, predictions and figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.errors import UserError
from kser.evaluation.calibration_plots import plot_reliability_diagram
from kser.evaluation.metrics import classification_report, confusion_matrix, row_shares
from kser.evaluation.plots import plot_confusion_matrix, plot_group_confusion_matrices
from kser.experiment.evaluation_csv import REPORT_FILE
from kser.files import read_json, replacing

GENDER = "gender"


# Without one of these, results on disk are not whole.
_FILES = ("predictions.csv", "confusion_matrix.csv")


def results_there(folder: Path) -> dict[str, Any]:
    """The report of an earlier evaluation; empty where there is none, or files are missing or damaged."""
    if not all((folder / name).is_file() for name in (REPORT_FILE, *_FILES)):
        return {}
    try:
        report = read_json(folder / REPORT_FILE)
    except UserError:
        return {}
    return report if isinstance(report, dict) else {}


def measures_of(
    heard: pd.DataFrame, probabilities: np.ndarray, labels: Sequence[str], by: Sequence[str]
) -> dict[str, Any]:
    """The measures of an evaluation, with intervals, calibration and those of groups.

    Args:
        heard: one row an utterance, with `true` and `predicted` class by the model's names, `actor`, `gender`
            and the columns `by`; rows without a `true` class are not counted.
        probabilities: float array (utterances, labels).
        labels: the model's classes in its order.
        by: columns whose groups are compared besides `gender`.

    Returns:
        As `kser.evaluation.metrics.classification_report`.
    """
    counted = heard["true"].notna().to_numpy()
    rows = heard[counted]
    groups = {column: rows[column].tolist() for column in _columns(by)}
    return classification_report(
        **_outcome(rows, labels),
        speakers=rows["actor"].tolist(),
        probabilities=probabilities[counted],
        groups=groups,
    )


def write_results(
    folder: Path,
    heard: pd.DataFrame,
    probabilities: np.ndarray,
    labels: Sequence[str],
    label_column: str,
    measures: dict[str, Any],
    title: str,
) -> None:
    """Write everything but the report itself: predictions, confusion matrices, reliability diagram.

    Args:
        folder: of the evaluation; what else lies there stays.
        heard: see `measures_of`; with `utterance` and `label_column` too.
        probabilities: float array (utterances, labels).
        labels: the model's classes in its order.
        label_column: the class as the test set has it.
        measures: see `measures_of`.
        title: of the figures.
    """
    told = list(dict.fromkeys(["utterance", "actor", GENDER, label_column, "true", "predicted"]))
    columns = [f"p_{label}" for label in labels]
    _write_csv(
        pd.concat(
            [heard[told].reset_index(drop=True), pd.DataFrame(probabilities.round(6), columns=columns)],
            axis=1,
        ),
        folder / "predictions.csv",
    )
    rows = heard[heard["true"].notna()]
    matrix = confusion_matrix(**_outcome(rows, labels))
    _write_csv(matrix, folder / "confusion_matrix.csv", index=True)
    _write_csv(row_shares(matrix), folder / "confusion_matrix_shares.csv", index=True)
    plot_confusion_matrix(matrix, folder / "confusion_matrix.png", title=title)
    of_gender = {str(gender): confusion_matrix(**_outcome(of, labels)) for gender, of in rows.groupby(GENDER)}
    for path, of in zip(
        plot_group_confusion_matrices(of_gender, folder, title), of_gender.values(), strict=True
    ):
        _write_csv(of, path.with_suffix(".csv"), index=True)
        _write_csv(row_shares(of), path.with_name(f"{path.stem}_shares.csv"), index=True)
    bins = pd.DataFrame(measures["calibration"]["reliability"])
    plot_reliability_diagram(bins, folder / "reliability_diagram.png", title)


def _columns(by: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([GENDER, *by]))


def _outcome(rows: pd.DataFrame, labels: Sequence[str]) -> dict[str, Any]:
    return {"y_true": rows["true"].tolist(), "y_pred": rows["predicted"].tolist(), "labels": list(labels)}


def _write_csv(table: pd.DataFrame, path: Path, index: bool = False) -> None:
    with replacing(path) as draft:
        table.to_csv(draft, index=index)
