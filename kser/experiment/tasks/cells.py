"""The cells of a metadata table as numbers, and what is said of those that are wrong."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from kser.corpora.spellings import is_nothing
from kser.errors import UserError
from kser.words import listed


def check_columns(table: pd.DataFrame, columns: Sequence[str], source: str) -> None:
    """Make sure that a table has the columns.

    Args:
        table: as `kser.corpora.metadata.read_metadata` gives it.
        columns: their names.
        source: what to call the table in messages: its file.

    Raises:
        UserError: it lacks some.
    """
    if missing := [column for column in columns if column not in table]:
        present = ", ".join(repr(column) for column in table if column != "utterance")
        raise UserError(
            f"{source}: the header lacks {', '.join(map(repr, missing))}, which the model learns; "
            f"it has {present}"
        )


def cells_as_numbers(cells: Iterable[str]) -> list[float | None]:
    """Each cell as a number: NaN where it is empty or says so (nan), `None` where it is anything else."""
    return [_as_number(cell) for cell in cells]


def wrong_cells(column: pd.Series, is_wrong: Sequence[bool], wanted: str) -> str:
    """A line about the wrong cells of a column, with their rows (the header is row 1); empty for none."""
    cells = [
        f"row {row}: {cell!r}" if cell else f"row {row}: empty"
        for row, (cell, wrong) in enumerate(zip(column, is_wrong, strict=True), start=2)
        if wrong
    ]
    return f"{column.name}: {listed(cells, '; ')}: should be {wanted}" if cells else ""


def raise_mistakes(mistakes: Sequence[str], source: str) -> None:
    """Raise a `UserError` with a line for each mistake that is not empty, if there is one."""
    if any(mistakes):
        raise UserError("\n".join(f"{source}: {mistake}" for mistake in mistakes if mistake))


def _as_number(cell: str) -> float | None:
    if is_nothing(cell):
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
