"""One command a folder: a second one that is to write it is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from kser.errors import UserError
from kser.locks import held, holder


@contextmanager
def output_lock(folder: Path) -> Iterator[None]:
    """Keep other commands from writing a folder within this block.

    Args:
        folder: that is made; the lock is a hidden file beside it, for the folder itself is renamed.

    Raises:
        UserError: another process is writing it, or nothing can be written there.
    """
    file = folder.absolute().with_name(f".{folder.absolute().name}.lock")
    try:
        with held(file):
            yield
    except Timeout:
        by = holder(file) or "another process"
        raise UserError(
            f"--output {folder}: is being written by {by}; wait for it, or name another folder"
        ) from None
