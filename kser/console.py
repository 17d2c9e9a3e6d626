"""Lines and tables on a console, whole however wide it is: cut numbers and paths are of no use."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def print_line(console: Any, text: str, style: str = "") -> None:
    """Print a line as it is: not wrapped, nothing in it highlighted or taken for markup.

    Args:
        console: of rich.
        text: the line.
        style: of rich, such as "yellow".
    """
    console.print(text, style=style, soft_wrap=True, highlight=False, markup=False)


def print_note(console: Any, text: str, style: str = "yellow") -> None:
    """Print a line that needs attention, on a quiet console, too."""
    with loud(console):
        print_line(console, text, style)


@contextmanager
def loud(console: Any) -> Iterator[None]:
    """Within this block a quiet console shows what is printed: results, and what needs attention."""
    quiet, console.quiet = console.quiet, False
    try:
        yield
    finally:
        console.quiet = quiet


def is_live(console: Any) -> bool:
    """Whether bars and lines that change can be shown: not in a pipe, and not quietly."""
    return console.is_terminal and not console.quiet


def print_table(
    console: Any, title: str, header: Sequence[str], rows: Iterable[Sequence[str]], texts: int
) -> None:
    """Print a table: in a frame on a terminal, elsewhere as plain lines with aligned columns.

    Args:
        console: of rich.
        title: above it.
        header: the names of the columns.
        rows: their cells.
        texts: how many columns from the left are text, and no numbers.
    """
    if not console.is_terminal:
        for line in [title, *aligned([header, *rows], texts)]:
            print_line(console, line)
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    for number, name in enumerate(header):
        table.add_column(escape(name), justify="left" if number < texts else "right")
    for cells in rows:
        table.add_row(*map(escape, cells))
    console.print(table)


def aligned(rows: Iterable[Sequence[str]], texts: int) -> list[str]:
    """Rows of cells as lines whose columns are aligned.

    Args:
        rows: the header first.
        texts: how many columns from the left are set to the left; those after them, numbers, to the right.
    """
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
