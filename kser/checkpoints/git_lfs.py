"""Git LFS leaves a few lines of text in place of a large file until it is asked for the file itself."""

from pathlib import Path

from kser.errors import UserError

_POINTER = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(path: Path) -> None:
    """Refuse a file that Git LFS has not fetched yet.

    Raises:
        UserError: it is such a file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_POINTER))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if beginning == _POINTER:
        raise UserError(
            f"{path}: is only a Git LFS pointer, not the weights; run `git lfs pull` in that folder"
        )
