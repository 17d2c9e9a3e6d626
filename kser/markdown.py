"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[object], rows: Iterable[Sequence[object]], text_columns: int = 1) -> str:
    """A table as GitHub and others show it; nothing in a cell can end it.

    Args:
        header: names of the columns.
        rows: their cells.
        text_columns: how many columns from the left are text; those after them are numbers, set to the right.
    """
    alignment = ["---"] * text_columns + ["---:"] * (len(header) - text_columns)
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in (header, alignment, *rows))


def _cell(value: object) -> str:
    return str(value).replace("|", r"\|").replace("\n", " ")
