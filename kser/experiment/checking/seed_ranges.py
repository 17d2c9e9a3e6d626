"""Seeds in few words."""

from collections.abc import Iterable


def in_ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in ascending order, those that follow each other as a range: "0–3, 7"."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return ", ".join("–".join(map(str, bounds)) for bounds in ranges)
