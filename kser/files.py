"""Writing so that a reader never meets half a file and an interruption never costs an old one."""

import codecs
import filecmp
import hashlib
import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kser.errors import UserError, is_of_the_system, system_reason
from kser.strict_json import MAX_BYTES, StrictJsonError, parse_json

# What `replacing` calls the folders that it writes in: the name that is written, and what mkdtemp adds.
_WORKSPACE = re.compile(r"\..+\.[a-z0-9_]{8}")
# The longer marks first: that of UTF-32 begins as that of UTF-16 does.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
        raise UserError(f"{target}: cannot be written: {system_reason(error, target)}") from error
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
    except UserError:
        raise
    except Exception as error:
        if is_of_the_system(error):
            raise UserError(f"{target}: cannot be written: {system_reason(error, target)}") from error
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


def read_text(path: str | Path, max_bytes: int | None = None) -> str:
    """Read a text file of UTF-8 or UTF-16, with or without byte order mark, its line ends as they are.

    Args:
        path: the file.
        max_bytes: the most that it may hold; `None` for any number.

    Raises:
        UserError: the file is missing, too large, cannot be read or is in another encoding.
    """
    try:
        content = Path(path).read_bytes() if max_bytes is None else _bytes_up_to(Path(path), max_bytes)
        return content.decode(_encoding(content))
    except UnicodeDecodeError as error:
        name = error.encoding.upper() if error.encoding.startswith("utf") else "UTF-8"
        raise UserError(
            f"{path}: is not {name} text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from None
    except (FileNotFoundError, ValueError):  # ValueError: of a name that no file can have
        raise UserError(
            f"{str(path)!r}: file not found" if "\0" in str(path) else f"{path}: file not found"
        ) from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, not a file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {system_reason(error, path)}") from None


def _bytes_up_to(path: Path, max_bytes: int) -> bytes:
    """All bytes of a file, which may be an endless one."""
    content = bytearray()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            content += part
            if len(content) > max_bytes:
                raise UserError(f"{path}: has more than {max_bytes >> 20} MiB; is it the right file?")
    return bytes(content)


def _encoding(content: bytes) -> str:
    """UTF-8 unless the bytes begin with another mark, or as ASCII does in UTF-16."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    first, second = content[:64:2], content[1:64:2]
    if first and second and all(first) and not any(second):
        return "utf-16-le"
    if first and second and all(second) and not any(first):
        return "utf-16-be"
    return "utf-8-sig"


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing, or beyond what `kser.strict_json` reads.
    """
    try:
        return parse_json(read_text(path, MAX_BYTES))
    except StrictJsonError as error:
        raise UserError(f"{path}: {error}") from None


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

    Accents may be composed on disk (é as one character) and decomposed in `path` (e and an accent, as macOS
    writes names), or the other way round.

    Args:
        path: as the user wrote it.
        beside: folder of the file that names `path`; `None` means only the working folder.

    Returns:
        An absolute path. It need not exist: the caller knows what to say about that.
    """
    given = expanded(path)
    if given.is_absolute():
        return _as_on_disk(given) or given
    if beside is not None and (found := _as_on_disk((beside / given).absolute())):
        return found
    return _as_on_disk(given.absolute()) or given.absolute()


def _as_on_disk(path: Path) -> Path | None:
    """An absolute path as the file system spells it; `None` where there is nothing of that name."""
    if is_there(path):
        return path
    if str(path).isascii():
        return None
    found = [Path(path.anchor)]
    for name in path.parts[1:]:
        spellings = dict.fromkeys([name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))])
        found = [place for folder in found for each in spellings if is_there(place := folder / each)]
    return found[0] if found else None


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; not, also for a name that none can have."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def content_digest(path: str | Path) -> str:
    """Fingerprint of a file's bytes, all of them, as 32 hexadecimal digits (BLAKE2b).

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def expanded(path: str | Path) -> Path:
    """The path with a leading `~/` as the home folder; a name that merely begins with `~` stays."""
    path = Path(path)
    return path.expanduser() if path.parts[:1] == ("~",) else path


def visible_files(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder that match a pattern, by name; no hidden ones, such as `._a.json` of macOS."""
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
