"""Reading back what an evaluation predicted."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kser.errors import UserError


def read_predictions(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """predictions.csv, all cells as text.

    Args:
        path: of the file.
        columns: those that are needed.

    Raises:
        UserError: it cannot be read, or a column is not there.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file, so its utterances are not known")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:
        raise UserError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    if missing := [column for column in columns if column not in table]:
        raise UserError(f"{path}: has no column {', '.join(missing)}")
    return table
