"""Writing so that a reader never meets half a file and an interruption never costs an old one."""

import filecmp
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from kser.errors import UserError

# What `replacing` calls the folders that it writes in: the name that is written, and what mkdtemp adds.
_WORKSPACE = re.compile(r"\..+\.[a-z0-9_]{8}")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a path beside `path` to write a file or a folder to; on success it takes the place of `path`.

    When the block raises, what it wrote is removed and `path` is as it was before. Parent folders are
    created. A folder that stood at `path` is replaced whole.

    Args:
        path: where the finished file or folder is to stand.

    Yields:
        A path in the same folder (so that renaming is atomic) that does not exist yet.

    Raises:
        UserError: nothing can be written there, or a file would take the place of a folder.
    """
    target = Path(path)
    if target.name in ("", ".."):
        raise UserError(f"{target}: is a folder, where a file is to be written")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workspace = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise UserError(f"{target}: cannot be written: {error.strerror}: {error.filename}") from error
    draft = workspace / target.name
    try:
        yield draft
        replaced = workspace / "replaced"
        if draft.is_file() and target.is_dir():
            raise UserError(f"{target}: is a folder, where a file is to be written")
        if draft.is_dir() and target.exists():
            target.rename(replaced)  # a folder that is not empty cannot be renamed over
        try:
            draft.replace(target)
        except OSError:
            if replaced.exists():
                replaced.rename(target)
            raise
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def remove_drafts(folder: Path) -> None:
    """Remove from a folder what `replacing` left there in processes that were killed.

    What other processes are writing there is removed too: there must be none.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if _WORKSPACE.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_text(path: str | Path) -> str:
    """Read a UTF-8 text file, with or without byte order mark, its line ends as they are.

    Raises:
        UserError: the file is missing, cannot be read or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from None
    except (FileNotFoundError, ValueError):  # ValueError: of a name that no file can have
        raise UserError(
            f"{str(path)!r}: file not found" if "\0" in str(path) else f"{path}: file not found"
        ) from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, not a file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or is not JSON (names the line and column), or a field stands twice in
            one object: it would not be clear which value counts.
    """

    def without_repetition(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in fields]
        if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise UserError(f"{path}: {', '.join(repeated)}: given more than once; keep one")
        return dict(fields)

    try:
        return json.loads(read_text(path), object_pairs_hook=without_repetition)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}: not valid JSON: {error.msg}, line {error.lineno} column {error.colno}"
        ) from None


def share_equal_file(path: Path, others: Iterable[Path]) -> None:
    """Let a file be a hard link to one of others with the same content, where there is one.

    Each remains when another is removed. Files that can be linked to must never be changed in place.

    Args:
        path: the file; it stays as it is where nothing equals it or the file system has no hard links.
        others: files of any content; those that vanish meanwhile are passed over.
    """
    for other in others:
        with suppress(OSError):
            if not filecmp.cmp(path, other, shallow=False):
                continue
            with replacing(path) as draft:
                os.link(other, draft)
            return


def resolve_input(path: str | Path, beside: Path | None = None) -> Path:
    """Find an input file: absolute, else relative to `beside` if it is there, else to the working folder.

    Args:
        path: as the user wrote it.
        beside: folder of the file that names `path`; `None` means only the working folder.

    Returns:
        An absolute path. It need not exist: the caller knows what to say about that.
    """
    given = expanded(path)
    if given.is_absolute():
        return given
    if beside is not None and is_there(beside / given):
        return (beside / given).absolute()
    return given.absolute()


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; not, also for a name that none can have."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def content_digest(path: str | Path) -> str:
    """Fingerprint of a file's bytes, all of them, as 32 hexadecimal digits (BLAKE2b).

    A file is read once as long as its size and time of change stay the same.

    Raises:
        OSError: it cannot be read.
    """
    stat = Path(path).stat()
    return _digest_of_version(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1 << 20)
def _digest_of_version(path: str, size: int, mtime_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def expanded(path: str | Path) -> Path:
    """The path with a leading `~/` as the home folder; a name that merely begins with `~` stays."""
    path = Path(path)
    return path.expanduser() if path.parts[:1] == ("~",) else path


def visible_files(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder that match a pattern, by name; no hidden ones, such as `._a.json` of macOS."""
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
