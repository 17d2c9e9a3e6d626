"""Lines on a console, whole however wide it is: cut numbers and paths are of no use."""

from collections.abc import Iterable, Sequence
from typing import Any


def print_line(console: Any, text: str, style: str = "") -> None:
    """Print a line as it is: not wrapped, nothing in it highlighted or taken for markup.

    Args:
        console: of rich.
        text: the line.
        style: of rich, such as "yellow".
    """
    console.print(text, style=style, soft_wrap=True, highlight=False, markup=False)


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
