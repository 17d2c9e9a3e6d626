"""Files that one process holds at a time.

The operating system frees a lock when its process ends, however it ends. It names its holder, and is removed
as it is given up: one that waits with the removed file open takes a new one.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kser.errors import UserError, system_reason


@contextmanager
def held(file: Path, timeout_s: float = 0) -> Iterator[None]:
    """Hold a lock within this block.

    Args:
        file: the lock; its folder is created.
        timeout_s: how long to wait for another process; below 0 for ever.

    Raises:
        filelock.Timeout: another process has it.
        UserError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        lock.acquire(timeout=timeout_s)
    except Timeout:
        raise
    except OSError as error:
        raise UserError(f"{file.parent}: cannot be written: {system_reason(error, file.parent)}") from error
    try:
        file.write_text(f"{os.getpid()}\n{socket.gethostname()}\n", encoding="utf-8")
        yield
    finally:
        # Before it is given up, when nobody else can have it.
        file.unlink(missing_ok=True)
        lock.release()


def holder(file: Path) -> str:
    """Who holds a lock, in words, and what to do where that cannot be; empty where nobody does."""
    try:
        process, host, *_ = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # given up meanwhile, or not written yet
        return ""
    if host == socket.gethostname():
        return f"process {process}"
    return f"process {process} on {host}; where that has ended, remove {file}"
