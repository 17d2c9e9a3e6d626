"""Work on many items in threads, without holding all of it in memory."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# What waits in a queue takes a kilobyte an item.
_AT_ONCE = 1000


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """What a function makes of each item, in their order, in as many threads as there are processors.

    Examples:
        >>> list(in_threads(str.upper, ["anger", "joy"]))
        ['ANGER', 'JOY']
    """
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        try:
            for start in range(0, len(items), _AT_ONCE):
                yield from threads.map(function, items[start : start + _AT_ONCE])
        except BaseException:
            threads.shutdown(cancel_futures=True)  # Ctrl-C ends it now, not after the last item
            raise
