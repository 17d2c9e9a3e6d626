"""Reading back what an evaluation predicted."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kser.errors import UserError
from kser.experiment.evaluating.evaluation_results import PREDICTIONS_FILE
from kser.spreadsheets import read_csv


def read_predictions(folder: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The predictions of an evaluation, all cells as text.

    Args:
        folder: of the evaluation.
        columns: those that are needed.

    Raises:
        UserError: the file cannot be read, or lacks a column.
    """
    path = folder / PREDICTIONS_FILE
    if not path.is_file():
        raise UserError(f"{path}: not found, so its utterances are unknown")
    table = read_csv(path)
    if missing := [column for column in columns if column not in table]:
        raise UserError(f"{path}: the header lacks {', '.join(missing)}")
    return table
