"""A table of a page: a caption, headings for columns and rows, and a frame that scrolls where it is wide."""

from collections.abc import Sequence

from kser.report.markup import Html, element, join, notes


def table(
    caption: object,
    headings: Sequence[object],
    rows: Sequence[Sequence[object]],
    *,
    text_columns: int = 1,
    row_headings: int = 1,
    below: Sequence[object] = (),
) -> Html:
    """A table.

    Args:
        caption: what it shows.
        headings: of its columns.
        rows: their cells, as many as there are headings.
        text_columns: how many columns from the left are text; those after it are numbers, set to the right.
        row_headings: how many cells from the left name a row.
        below: small print, a line each.
    """

    def aligned(position: int) -> str | None:
        return None if position < text_columns else "number"

    head = element(
        "tr",
        *(element("th", title, scope="col", class_=aligned(i)) for i, title in enumerate(headings)),
    )
    body = [
        element(
            "tr",
            *(
                element("th", cell, scope="row", class_=aligned(i))
                if i < row_headings
                else element("td", cell, class_=aligned(i))
                for i, cell in enumerate(cells)
            ),
        )
        for cells in rows
    ]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", join(body, Html("\n"))),
    )
    return join([scrolling(whole, caption), notes(below)])


def scrolling(wide: Html, name: object) -> Html:
    """A frame in which something wide scrolls by itself, with the keyboard too, instead of the page."""
    return element("div", wide, class_="scroll", role="region", aria_label=name, tabindex="0")
