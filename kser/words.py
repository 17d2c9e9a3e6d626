"""Words in messages: lists that end, names that were meant, counts; and names in their natural order."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

_LISTED_AT_MOST = 5


def listed(items: Sequence[str], separator: str = ", ") -> str:
    """Join the first five items; the rest is counted.

    Examples:
        >>> listed(["a", "b"])
        'a, b'
        >>> listed(["1", "2", "3", "4", "5", "6", "7"])
        '1, 2, 3, 4, 5 and 2 more'
    """
    named = separator.join(items[:_LISTED_AT_MOST])
    more = len(items) - _LISTED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named


def nearest_names(name: str, candidates: Iterable[str], most: int = 1) -> list[str]:
    """The candidates that somebody who mistyped a name may have meant; upper and lower case count alike."""
    by_lower_case = {candidate.lower(): candidate for candidate in candidates}
    return [by_lower_case[near] for near in difflib.get_close_matches(name.lower(), by_lower_case, n=most)]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A hint to append to a name; empty when no candidate is near.

    Examples:
        >>> did_you_mean("Hapiness", ["anger", "happiness"])
        " (did you mean 'happiness'?)"
        >>> did_you_mean("x", ["anger", "happiness"])
        ''
    """
    return "".join(f" (did you mean {near!r}?)" for near in nearest_names(name, candidates))


def counted(count: int, what: str) -> str:
    """`1 model`, `2 models`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """`clipped (3), offset (1)`."""
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


def duration_in_words(seconds: float) -> str:
    """A duration in its two largest units: "45 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86400
    if minutes < 2:
        return f"{seconds:.0f} s"
    if hours < 2:
        return f"{minutes:.0f} min"
    if days < 2:
        return f"{int(hours)} h {int(minutes) % 60} min"
    return f"{int(days)} d {int(hours) % 24} h"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key to sort by: seed 2 before seed 10."""
    pieces = re.split(r"(\d{1,100})", text)  # Python makes no number of some thousands of digits
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]


def printable(text: str) -> str:
    """The text with what a terminal would obey or cannot show, as a stranger's file may have it, as escapes.

    Examples:
        >>> printable("caf\u00e9 \x1b[2J \ud800")
        'café \\x1b[2J \\ud800'
    """
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def as_option(name: str) -> str:
    """An option of a command as help and errors show it: of the parameter `eval_path`, "--eval-path"."""
    return f"--{name.replace('_', '-')}"
