"""Which files this process opens to write to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_FOUND: list[list[str]] = []


def _trace(event: str, arguments: tuple[object, ...]) -> None:
    if _FOUND and event == "open":
        path, _, flags = arguments
        # A number is of a file that is open already, such as one in memory.
        if not isinstance(path, int) and int(str(flags)) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _FOUND[-1].append(os.fsdecode(path))


sys.addaudithook(_trace)  # for good: Python takes none away


@contextmanager
def opened_to_write() -> Iterator[list[str]]:
    """The files that Python opens to write to while the block runs, in any thread."""
    _FOUND.append([])
    try:
        yield _FOUND[-1]
    finally:
        _FOUND.pop()
