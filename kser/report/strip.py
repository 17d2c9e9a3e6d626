"""A measure of several runs as dots on a line, small enough for a cell of a table."""

from collections.abc import Iterable
from typing import Any

from kser.report.markup import Html, element
from kser.report.numbers import known

_WIDTH, _HEIGHT, _MARGIN = 160, 26, 6


def strip(
    values: Iterable[Any], what: str, low: float = 0.0, high: float = 1.0, dashed: Iterable[float] = ()
) -> Html:
    """Dots, and a line at their mean; nothing if there is no value.

    Args:
        values: of the runs.
        what: what they measure, for those who cannot see the picture.
        low: left end of the line.
        high: right end.
        dashed: values at which dashed lines are drawn, such as chance.
    """
    present = known(values)
    if not present.size:
        return Html("")
    middle = _HEIGHT / 2

    def at(value: float) -> str:
        return f"{_MARGIN + (value - low) / (high - low) * (_WIDTH - 2 * _MARGIN):.1f}"

    def upright(value: float, half: float, class_: str) -> Html:
        return element("line", x1=at(value), x2=at(value), y1=middle - half, y2=middle + half, class_=class_)

    return element(
        "svg",
        element("title", f"{what} of the runs: {', '.join(f'{value:.3f}' for value in present)}"),
        element("line", x1=at(low), x2=at(high), y1=middle, y2=middle, class_="axis"),
        *(upright(tick, 3, "axis") for tick in (low, (low + high) / 2, high)),
        *(upright(place, 11, "chance") for place in known(dashed)),
        *(element("circle", cx=at(value), cy=middle, r="3.5", class_="dot") for value in present),
        upright(float(present.mean()), 9, "mean"),
        class_="strip",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
    )
