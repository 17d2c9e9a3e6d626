"""One process a run: another one that is started on the same experiment passes over it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kser.errors import UserError, system_reason
from kser.experiment.runs.paths import RunPaths

_LOCK_FILE = ".lock"


@contextmanager
def try_lock_run(paths: RunPaths) -> Iterator[bool]:
    """Keep other processes from the run within this block, unless one is doing it already.

    The operating system frees the lock when the process ends, however it ends. Both folders that a run writes
    to are locked, for two experiments may share one of them.

    Args:
        paths: of the run.

    Yields:
        Whether the run is this process's; `False` where another one is doing it.
    """
    with ExitStack() as locks:
        try:
            for folder in _folders(paths):
                locks.enter_context(_lock(folder, timeout_s=0))
        except Timeout:
            yield False
            return
        yield True


def remove_locks(paths: RunPaths) -> None:
    """Remove what the lock of a finished run leaves.

    A process that waits with the old file open may still come to hold it: it finds the run finished.
    """
    for folder in _folders(paths):
        (folder / _LOCK_FILE).unlink(missing_ok=True)


def has_locks(paths: RunPaths) -> bool:
    """Whether `remove_locks` has something to remove: a process is doing the run, or was killed."""
    return any((folder / _LOCK_FILE).exists() for folder in _folders(paths))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of such blocks for the same folder, waiting for one that is in its own."""
    with _lock(folder, timeout_s=-1):
        yield


@contextmanager
def locked_once(folder: Path) -> Iterator[None]:
    """As `locked`, for work that is done once: nothing of the lock is left behind.

    A process that waits with the old file open may come to hold it beside a third one: each must first check
    whether the work is done.
    """
    lock = _lock(folder, timeout_s=-1)
    try:
        lock.acquire()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {system_reason(error, folder)}") from error
    try:
        yield
    finally:
        (folder / _LOCK_FILE).unlink(missing_ok=True)
        lock.release()


def _folders(paths: RunPaths) -> list[Path]:
    return list(dict.fromkeys((paths.results, paths.work, paths.states)))


def _lock(folder: Path, timeout_s: float) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {system_reason(error, folder)}") from error
    return FileLock(folder / _LOCK_FILE, timeout=timeout_s)
