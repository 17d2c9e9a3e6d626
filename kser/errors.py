"""The one exception that stands for a mistake in what the user gave, and what the user can do about some."""

import errno
import os
from pathlib import Path

_FULL = "free some space, or name a folder on another disk; the same command continues"
_CURES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "it can only be read from; name a folder on another disk",
    errno.ENAMETOOLONG: "no file system takes such a path; shorten it",
    errno.EACCES: "change its permissions, or name another folder",
    errno.EPERM: "change its permissions, or name another folder",
    errno.EIO: "the disk or its connection fails; name a folder on another disk",
    errno.ESTALE: "the network folder was connected anew; the same command continues",
}
_TOLD_IN_WORDS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class UserError(Exception):
    """A mistake in a file, field or argument that the user can mend.

    The message is a clear line (one for each mistake) that names the file and the row or field, says
    what is wrong and what would be right. The command line prints it without a traceback and exits
    with status 2.
    """


def install_extra(extra: str) -> str:
    """What to do where a package of an extra is missing, from wherever kser itself was installed.

    Args:
        extra: its name, as in pyproject.toml.
    """
    return (
        f"install the extra {extra}: pip install 'kser[{extra}]', or in a clone: pip install -e '.[{extra}]'"
    )


def system_reason(error: Exception, path: Path | str = "") -> str:
    """Why the system refused something, and what to do where that is known: "No space left on device; …".

    Args:
        error: of the system, or of a library that tells of one in its text.
        path: that the message begins with; another one, which the error names, is part of the reason.
    """
    number = _number(error)
    filename = getattr(error, "filename", None)
    elsewhere = f": {filename}" if filename and str(filename) != str(path) else ""
    reason = os.strerror(number) if number in _CURES else getattr(error, "strerror", None) or str(error)
    cure = f"; {_CURES[number]}" if number in _CURES else ""
    return f"{reason}{elsewhere}{cure}"


def is_of_the_system(error: Exception) -> bool:
    """Whether an error is the disk's or the network folder's, for which `system_reason` has a cure."""
    return _number(error) in _CURES


def _number(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    # HDF5, safetensors and others have errors of their own kinds.
    text = str(error)
    return next((number for number in _TOLD_IN_WORDS if os.strerror(number) in text), 0)
