"""The folder of an evaluation: what is evaluated of a model, whether results are whole, and writing them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kser.errors import UserError
from kser.experiment.tasks.class_evaluation import EvaluationOfClasses
from kser.experiment.tasks.evaluation_kind import GENDER, EvaluationKind, Findings, Heard, write_csv
from kser.experiment.tasks.regression_evaluation import EvaluationOfNumbers
from kser.experiment.tasks.tagging_evaluation import EvaluationOfLabels
from kser.experiment.tasks.targets import Targets
from kser.files import read_json, write_json

PREDICTIONS_FILE = "predictions.csv"


def kinds_for(targets: Targets) -> list[EvaluationKind]:
    """What is evaluated of a model, one entry a report."""
    kinds: list[EvaluationKind] = []
    if targets.class_column is not None:
        kinds.append(EvaluationOfClasses(targets.class_column))
    if targets.number_columns:
        kinds.append(EvaluationOfNumbers())
    if targets.label_columns:
        kinds.append(EvaluationOfLabels())
    return kinds


def results_there(folder: Path, kinds: Sequence[EvaluationKind]) -> list[dict[str, Any]]:
    """The reports of an earlier evaluation; none where one is not there, or files are missing or damaged."""
    if not (folder / PREDICTIONS_FILE).is_file():
        return []
    reports = []
    for kind in kinds:
        try:
            report = read_json(folder / kind.report.file)
            needed = kind.files(report) if isinstance(report, dict) else []
        except (
            UserError,
            AttributeError,
            KeyError,
            TypeError,
        ):  # the latter: parts of the report are not there or of another type
            return []
        if not isinstance(report, dict) or not all((folder / name).is_file() for name in needed):
            return []
        reports.append(report)
    return reports


def write_results(
    folder: Path,
    heard: Heard,
    found: Sequence[tuple[EvaluationKind, Findings]],
    common: dict[str, Any],
) -> list[dict[str, Any]]:
    """Write predictions, tables and figures, and last of all the reports.

    Args:
        folder: of the evaluation; what else lies there stays.
        heard: the utterances that the model heard.
        found: what is evaluated, with the results.
        common: what every report begins with.

    Returns:
        The reports.
    """
    who = heard.table[["utterance", "actor", GENDER]]
    told = pd.concat([who, *(of.predictions for _, of in found)], axis=1)
    # A column may be learned that is shown anyway.
    write_csv(told.loc[:, ~told.columns.duplicated()], folder / PREDICTIONS_FILE)
    for _, findings in found:
        findings.write(folder)
    reports = [{**common, **of.measures, "skipped_audio": heard.skipped} for _, of in found]
    for (kind, _), report in zip(found, reports, strict=True):
        write_json(folder / kind.report.file, report)
    return reports
