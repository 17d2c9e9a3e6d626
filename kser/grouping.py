"""Values by what they belong to."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """All values of each key, keys and values in their order.

    Examples:
        >>> grouped([("anger", 1), ("joy", 2), ("anger", 3)])
        {'anger': [1, 3], 'joy': [2]}
    """
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
