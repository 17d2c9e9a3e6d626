"""CSV files as people and spreadsheets write them: any of three separators, spaces, empty rows."""

import csv
import io
from collections.abc import Collection
from typing import Any, NamedTuple

SEPARATORS = ",;\t"


class DelimitedError(ValueError):
    """Text that is no CSV; begins with the row."""


class Cells(NamedTuple):
    """The cells of a CSV, without surrounding spaces; rows without any text are left out.

    Attributes:
        header: the first row; empty where there is none.
        rows: the others, as long as they are written.
        row_numbers: the line of the file that each of them begins in; the first is 1.
        separator: between two cells.
    """

    header: list[str]
    rows: list[list[str]]
    row_numbers: list[int]
    separator: str


def split_cells(text: str, known: Collection[str] = ()) -> Cells:
    """Split text into cells, by the separator that makes the most of the header.

    Args:
        text: with a header.
        known: names that the header may have: they say more than the number of cells.

    Raises:
        DelimitedError: quotation marks do not go together.
    """
    separator = max(SEPARATORS, key=lambda mark: _worth(_header(text, mark), known))
    reader = _reader(text, separator)
    rows: list[list[str]] = []
    row_numbers: list[int] = []
    ends = 0
    try:
        for record in reader:
            if any(cells := [cell.strip() for cell in record]):
                rows.append(cells)
                row_numbers.append(ends + 1)
            ends = reader.line_num
    except csv.Error as error:
        raise DelimitedError(f"row {ends + 1}: {error}; is a quotation mark missing?") from None
    header, *rows = rows or [[]]
    return Cells(header, rows, row_numbers[1:], separator)


def header_of(text: str, known: Collection[str]) -> list[str]:
    """The names of the header, by the separator that makes the most known ones."""
    return max((_header(text, mark) for mark in SEPARATORS), key=lambda names: _worth(names, known))


def _reader(text: str, separator: str) -> Any:
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)


def _header(text: str, separator: str) -> list[str]:
    try:
        return [name.strip() for name in next(_reader(text.lstrip("\r\n"), separator), [])]
    except csv.Error:
        return []  # reading the rows says what is wrong


def _worth(names: list[str], known: Collection[str]) -> tuple[int, int]:
    return len({*names} & {*known}), len(names)
