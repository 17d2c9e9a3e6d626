"""Lists in messages: the first few items and how many more there are."""

from collections.abc import Sequence

_NAMED_AT_MOST = 5


def listed(items: Sequence[str], separator: str = ", ") -> str:
    """Join the first five items; the rest is counted.

    Example:
        >>> listed(["a", "b"])
        'a, b'
        >>> listed(["1", "2", "3", "4", "5", "6", "7"])
        '1, 2, 3, 4, 5 and 2 more'
    """
    named = separator.join(items[:_NAMED_AT_MOST])
    more = len(items) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named
