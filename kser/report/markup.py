"""HTML from Python values: whatever is not markup already is escaped, so that no name can become markup."""

import html
from collections.abc import Iterable, Sequence
from typing import Any


class Html(str):
    """Text that is markup and is used as it is; every other string is escaped where it enters a page."""


_WITHOUT_CONTENT = {"br", "img"}
"""Of those that the page has; elements of SVG are closed like any other."""

# Unpaired surrogates have no UTF-8; the others are no characters of HTML, or turn text around on the screen.
_UNSHOWABLE = {
    **dict.fromkeys([*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)], "\ufffd"),
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


def escaped(value: object) -> Html:
    """A value as text of a page; `Html` stays as it is."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(str(value).translate(_UNSHOWABLE), quote=True))


def join(parts: Iterable[object], separator: str = "") -> Html:
    """Parts one after another, each escaped unless it is markup."""
    return Html(escaped(separator).join(map(escaped, parts)))


def element(tag: str, *children: object, **attributes: Any) -> Html:
    """An element.

    Args:
        tag: its name, such as "p".
        children: in order; text is escaped.
        attributes: `class_` is class, `aria_label` is aria-label; `True` is an attribute without a value,
            `None` and `False` are none.

    Examples:
        >>> element("p", "1 < 2", class_="note")
        '<p class="note">1 &lt; 2</p>'
    """
    written = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escaped(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _WITHOUT_CONTENT:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def paragraph(*children: object, class_: str | None = None) -> Html:
    """A paragraph."""
    return element("p", *children, class_=class_)


def notes(lines: Sequence[object]) -> Html:
    """Small print, one paragraph for each line."""
    return join(paragraph(line, class_="note") for line in lines)


def details(summary: object, *children: object) -> Html:
    """What is folded up until a reader asks for it."""
    return element("details", element("summary", summary), *children)
