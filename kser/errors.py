"""The one exception that stands for a mistake in what the user gave, and what the system's refusals mean."""

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


class UserError(Exception):
    """A mistake in a file, field or argument that the user can mend.

    The message is a clear line (one for each mistake) that names the file and the row or field, says
    what is wrong and what would be right. The command line prints it without a traceback and exits
    with status 2.
    """


def system_reason(error: OSError, path: Path | str = "") -> str:
    """Why the system refused something, and what to do where that is known: "No space left on device; …".

    Args:
        error: of the system.
        path: that the message begins with; another one, which the error names, is part of the reason.
    """
    elsewhere = f": {error.filename}" if error.filename and str(error.filename) != str(path) else ""
    cure = f"; {_CURES[_number(error)]}" if _number(error) in _CURES else ""
    return f"{error.strerror or error}{elsewhere}{cure}"


def is_of_the_system(error: BaseException) -> bool:
    """Whether an error is the disk's or the network folder's, for which `system_reason` has a cure."""
    return isinstance(error, OSError) and _number(error) in _CURES


def _number(error: OSError) -> int:
    if error.errno is None and os.strerror(errno.ENOSPC) in str(error):  # as h5py has it
        return errno.ENOSPC
    return error.errno or 0
