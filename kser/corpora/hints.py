"""Hints in messages: the name that somebody who mistyped one may have meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A hint to append to a name; empty when no candidate is near.

    Example:
        >>> did_you_mean("Hapiness", ["anger", "happiness"])
        " (did you mean 'happiness'?)"
        >>> did_you_mean("x", ["anger", "happiness"])
        ''
    """
    by_lower_case = {candidate.lower(): candidate for candidate in candidates}
    nearest = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    return f" (did you mean {by_lower_case[nearest[0]]!r}?)" if nearest else ""
