"""CSV files for people: nothing in them is a formula, and what is read back is what was written.

Spreadsheets run a cell that begins with =, +, -, @ or a control character, and names of files and classes may
be a stranger's. Such a text is written with an apostrophe in front, which spreadsheets take for "text";
numbers stay as they are.
"""

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kser.errors import UserError
from kser.files import replacing

if TYPE_CHECKING:
    import pandas as pd

# With apostrophes that were in front already: one more is told from none.
_RUN = re.compile(r"'*[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf", re.IGNORECASE)


def inert(cell: Any) -> Any:
    """A cell as it is written: a text that a spreadsheet would run gets an apostrophe in front.

    Examples:
        >>> inert("=1+1"), inert("-5"), inert("joy"), inert(-5)
        ("'=1+1", '-5', 'joy', -5)
    """
    runs = isinstance(cell, str) and _RUN.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if runs else cell


def as_meant(cell: str) -> str:
    """The text that `inert` made a cell of."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell) else cell


def write_csv(table: "pd.DataFrame", path: Path, index: bool = False) -> None:
    """Write a table, whole or not at all, with inert cells, names of columns and, if it is written, index."""
    written = table.copy()
    texts = [*table.columns, *(table.index if index else ())]
    for place, kind in enumerate(table.dtypes):
        if kind.kind not in "biufc":
            cells = table.iloc[:, place].tolist()
            texts += cells
            written.isetitem(place, [inert(cell) for cell in cells])
    written.columns = written.columns.map(inert)
    written.index = written.index.map(inert) if index else written.index
    # The csv module puts quotation marks where it sees its own line end; a bare carriage return is none.
    returns = any(isinstance(text, str) and "\r" in text for text in texts)
    with replacing(path) as draft:
        written.to_csv(draft, index=index, quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL)


def read_csv(path: Path) -> "pd.DataFrame":
    """The cells of what `write_csv` wrote, all as text: a class may be called "nan".

    Raises:
        UserError: it is no such file.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise UserError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    return table.map(as_meant).rename(columns=as_meant)


def read_counts(path: Path) -> "pd.DataFrame":
    """A table of whole numbers that `write_csv` wrote with its index, such as a confusion matrix.

    Raises:
        UserError: it is no such file.
    """
    cells = read_csv(path)
    try:
        counts = cells.set_index(cells.columns[0]).astype(int)
    except (ValueError, IndexError) as error:
        raise UserError(f"{path}: not a table of counts: {str(error).splitlines()[0]}") from None
    if not counts.index.is_unique:
        raise UserError(f"{path}: names a class twice")
    return counts
