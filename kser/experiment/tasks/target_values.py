"""The numbers and labels that a metadata table holds as text."""

import math
from collections.abc import Sequence

import pandas as pd

from kser.corpora.listing import listed
from kser.errors import UserError


def numbers_in(table: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """Columns of numbers; an empty cell is a missing one.

    Args:
        table: as `kser.corpora.metadata.read_metadata` gives it.
        columns: their names.
        source: what to call the table in messages: its file.

    Returns:
        float64, the index of `table`, NaN for missing numbers.

    Raises:
        UserError: a column is not there, has no number, or has cells that are none, a line each.
    """
    _check_there(table, columns, source)
    values = {column: [_number(cell) for cell in table[column]] for column in columns}
    mistakes = [
        _wrong_cells(
            table, column, [value is None for value in found], "a number, or empty where there is none"
        )
        for column, found in values.items()
    ]
    _raise(mistakes, source)
    numbers = pd.DataFrame(values, index=table.index, dtype=float)
    if numbers.isna().all(axis=None):
        raise UserError(f"{source}: {', '.join(columns)}: no row has a number")
    return numbers


def labels_in(table: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """Columns of labels that an utterance has or has not, written 1 and 0.

    Args:
        table: as `kser.corpora.metadata.read_metadata` gives it.
        columns: their names.
        source: what to call the table in messages: its file.

    Returns:
        bool, the index of `table`.

    Raises:
        UserError: a column is not there, or has cells that are neither 0 nor 1, a line each.
    """
    _check_there(table, columns, source)
    values = {column: [_number(cell) for cell in table[column]] for column in columns}
    mistakes = [
        _wrong_cells(table, column, [value not in (0.0, 1.0) for value in found], "0 or 1")
        for column, found in values.items()
    ]
    _raise(mistakes, source)
    return pd.DataFrame(values, index=table.index).astype(bool)


def _check_there(table: pd.DataFrame, columns: Sequence[str], source: str) -> None:
    if missing := [column for column in columns if column not in table]:
        there = ", ".join(repr(column) for column in table if column != "utterance")
        raise UserError(
            f"{source}: the header lacks {', '.join(map(repr, missing))}, which the model learns; "
            f"it has {there}"
        )


def _number(cell: str) -> float | None:
    """A cell as a number, NaN where it is empty; `None` for anything else."""
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _wrong_cells(table: pd.DataFrame, column: str, wrong: Sequence[bool], wanted: str) -> str:
    cells = [
        f"row {row}: {cell!r}" if cell else f"row {row}: empty"
        for row, (cell, is_wrong) in enumerate(zip(table[column], wrong, strict=True), start=2)
        if is_wrong
    ]
    return f"{column}: {listed(cells, '; ')}: should be {wanted}" if cells else ""


def _raise(mistakes: Sequence[str], source: str) -> None:
    if any(mistakes):
        raise UserError("\n".join(f"{source}: {mistake}" for mistake in mistakes if mistake))
