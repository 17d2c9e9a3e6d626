"""One process a run: another one that is started on the same experiment passes over it.

A lock is a file that the operating system frees when its process ends, however it ends. It names its holder,
and is removed as it is given up: one that waits with the removed file open takes a new one.
"""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kser.errors import UserError, system_reason
from kser.experiment.runs.paths import RunPaths
from kser.files import remove_drafts

logger = logging.getLogger(__name__)

_LOCK_FILE = ".lock"
WAITED_IN_SILENCE_S = 10.0


@contextmanager
def try_lock_run(paths: RunPaths) -> Iterator[bool]:
    """Keep other processes from the run within this block, unless one is doing it already.

    Both folders that a run writes to are locked, for two experiments may share one of them.

    Args:
        paths: of the run.

    Yields:
        Whether the run is this process's; `False` where another one is doing it, see `holder_of_run`.
    """
    with ExitStack() as locks:
        try:
            for folder in _folders(paths):
                lock = _lock(folder)
                lock.acquire(timeout=0)
                locks.enter_context(_held(lock, folder))
        except Timeout:
            yield False
            return
        yield True


def has_locks(paths: RunPaths) -> bool:
    """Whether a process is doing the run, or was killed at it."""
    return any((folder / _LOCK_FILE).exists() for folder in _folders(paths))


def holder_of_run(paths: RunPaths) -> str:
    """Who is doing a run, in words, and what to do where that cannot be; empty where nobody is."""
    held = (_holder(folder) for folder in _folders(paths))
    return next(filter(None, held), "")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of such blocks for the same folder, waiting for one that is in its own.

    What processes that were killed in such a block had half written to the folder is removed.
    """
    lock = _lock(folder)
    try:
        lock.acquire(timeout=WAITED_IN_SILENCE_S)
    except Timeout:
        logger.warning("%s: waiting for %s", folder, _holder(folder) or "another process")
        lock.acquire(timeout=-1)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {system_reason(error, folder)}") from error
    with _held(lock, folder):
        remove_drafts(folder)
        yield


@contextmanager
def _held(lock: FileLock, folder: Path) -> Iterator[None]:
    """Say who holds a lock, and remove it at the end: before it is given up, when nobody else can have it."""
    file = folder / _LOCK_FILE
    try:
        file.write_text(f"{os.getpid()}\n{socket.gethostname()}\n", encoding="utf-8")
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    try:
        process, host, *_ = (folder / _LOCK_FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # given up meanwhile, or not written yet
        return ""
    if host == socket.gethostname():
        return f"process {process}"
    return f"process {process} on {host}; where that has ended, remove {folder / _LOCK_FILE}"


def _folders(paths: RunPaths) -> list[Path]:
    return list(dict.fromkeys((paths.results, paths.work, paths.states)))


def _lock(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {system_reason(error, folder)}") from error
    return FileLock(folder / _LOCK_FILE)
