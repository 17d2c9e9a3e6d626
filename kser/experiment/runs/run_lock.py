"""One process a run: another one that is started on the same experiment passes over it."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import Timeout

from kser.experiment.runs.paths import RunPaths
from kser.files import remove_drafts
from kser.locks import held, holder

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
                locks.enter_context(held(folder / _LOCK_FILE))
        except Timeout:
            yield False
            return
        yield True


def has_locks(paths: RunPaths) -> bool:
    """Whether a process is doing the run, or was killed at it."""
    return any((folder / _LOCK_FILE).exists() for folder in _folders(paths))


def holder_of_run(paths: RunPaths) -> str:
    """Who is doing a run, in words, and what to do where that cannot be; empty where nobody is."""
    holders = (holder(folder / _LOCK_FILE) for folder in _folders(paths))
    return next(filter(None, holders), "")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of such blocks for the same folder, waiting for one that is in its own.

    What processes that were killed in such a block had half written to the folder is removed.
    """
    file = folder / _LOCK_FILE
    with ExitStack() as lock:
        try:
            lock.enter_context(held(file, WAITED_IN_SILENCE_S))
        except Timeout:
            logger.warning("%s: waiting for %s", folder, holder(file) or "another process")
            lock.enter_context(held(file, -1))
        remove_drafts(folder)
        yield


def _folders(paths: RunPaths) -> list[Path]:
    return list(dict.fromkeys((paths.results, paths.work, paths.states)))
