"""The folder of an evaluation: whether results are whole, and writing them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kser.errors import UserError
from kser.experiment.tasks.evaluation import GENDER, Evaluation, EvaluationResult, Predictions
from kser.files import read_json, write_json
from kser.spreadsheets import write_csv

PREDICTIONS_FILE = "predictions.csv"


def results_there(folder: Path, evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """The reports of an earlier evaluation; none if one is missing, or files are missing or damaged."""
    if not (folder / PREDICTIONS_FILE).is_file():
        return []
    reports = []
    for evaluation in evaluations:
        try:
            report = read_json(folder / evaluation.report.file)
            needed = evaluation.needed_files(report) if isinstance(report, dict) else []
        except (UserError, AttributeError, KeyError, TypeError):  # parts are missing or of another type
            return []
        if not isinstance(report, dict) or not all((folder / name).is_file() for name in needed):
            return []
        reports.append(report)
    return reports


def write_results(
    folder: Path,
    predictions: Predictions,
    results: Sequence[tuple[Evaluation, EvaluationResult]],
    common: dict[str, Any],
) -> list[dict[str, Any]]:
    """Write predictions, tables and figures, and last of all the reports.

    Args:
        folder: of the evaluation; what else lies there stays.
        predictions: of the model.
        results: each kind of answer that was evaluated, with its results.
        common: what every report begins with.

    Returns:
        The reports.
    """
    who = predictions.table[["utterance", "actor", GENDER]]
    table = pd.concat([who, *(result.predictions for _, result in results)], axis=1)
    # A column may be learned that is shown anyway.
    write_csv(table.loc[:, ~table.columns.duplicated()], folder / PREDICTIONS_FILE)
    for _, result in results:
        result.write(folder)
    reports = [{**common, **result.measures, "skipped_audio": predictions.skipped} for _, result in results]
    for (evaluation, _), report in zip(results, reports, strict=True):
        write_json(folder / evaluation.report.file, report)
    return reports
