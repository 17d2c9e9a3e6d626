"""Unpacking archives that somebody else made, without ever writing outside the folder meant for them.

Nothing of `extractall` is used: a member becomes a plain file or a folder that is made here, under a name
that was checked, or the archive is refused. Links are refused too, wherever they point; so nothing that is
written can lie behind one.
"""

import errno
import lzma
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from kser.errors import UserError, system_reason

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

_COPIED_AT_ONCE = 1 << 20
_DEEPEST = 32
_ENCRYPTED, _NAME_IS_UTF8 = 0x1, 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
# What archivers of macOS and Windows add to the files of the corpus.
_NOT_OF_THE_CORPUS = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")

# What the standard library raises on archives whose bytes were changed, besides an OSError without number.
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True)
class _Member:
    """A file of an archive, or a folder when there is nothing to open."""

    name: str
    size_bytes: int
    open: Callable[[], IO[bytes]] | None


def is_archive(path: str | Path) -> bool:
    """Whether a file's name says that it is an archive that `unpack` reads."""
    return Path(path).name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(archive: str | Path, folder: str | Path, read: Callable[[int], None] | None = None) -> None:
    """Write the files of an archive below a folder.

    The folder should be a draft (`kser.files.replacing`): what was written before a refusal stays in it.

    Args:
        archive: a `.zip`, `.tar`, `.tar.gz`, `.tar.bz2` or `.tar.xz` file.
        folder: where to write; it is created, and should hold nothing but what other archives left.
        read: called with the number of bytes of the archive that were read so far.

    Raises:
        UserError: the archive is damaged, encrypted or in a compression that Python lacks; it has more bytes
            than the disk has room for; or it holds what no corpus needs: names that lead out of the folder,
            links, devices, a name that is already taken.
    """
    archive, folder = Path(archive), Path(folder)
    try:
        with archive.open("rb") as file:
            members = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
            for member in members(archive, file, folder):
                _write(archive, member, folder, (lambda: read(file.tell())) if read else lambda: None)
    except _DAMAGED as error:
        raise UserError(f"{archive}: is damaged: {_in_one_line(error)}; obtain it again") from None
    except (NotImplementedError, RuntimeError) as error:
        reason = _in_one_line(error)
        raise UserError(f"{archive}: cannot be unpacked here: {reason}; unpack it otherwise") from None
    except OSError as error:
        raise UserError(f"{archive}: {_os_reason(error)}") from None


def only_subfolder(folder: Path) -> Path | None:
    """The only folder in a folder, apart from hidden ones; `None` when there are more or none."""
    inside = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    inside = [path for path in inside if path.name not in _NOT_OF_THE_CORPUS]
    return inside[0] if len(inside) == 1 else None


def _zip_members(archive: Path, file: IO[bytes], folder: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as opened:
        infos = opened.infolist()
        # zipfile writes no more of a member than is declared, so the sum is what the disk must take.
        _check_room(archive, sum(info.file_size for info in infos), folder)
        for info in infos:
            name = _zip_name(info)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refusal(archive, name, "is a link" if kind == stat.S_IFLNK else "is no file")
            if info.flag_bits & _ENCRYPTED:
                raise UserError(f"{archive}: is encrypted; unpack it with its password and give the folder")
            is_folder = info.is_dir() or kind == stat.S_IFDIR or name.endswith("\\")
            yield _Member(name, info.file_size, None if is_folder else partial(opened.open, info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Name of a member; zipfile takes what is not marked as UTF-8 for the code page of MS-DOS."""
    if info.flag_bits & _NAME_IS_UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")  # macOS writes UTF-8 without marking it
    except UnicodeError:
        return info.filename


def _tar_members(archive: Path, file: IO[bytes], folder: Path) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:*") as opened:
        for info in opened:
            name = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            if not (info.isreg() or info.isdir()):
                raise _refusal(archive, name, "is a link" if info.issym() or info.islnk() else "is no file")
            # Sizes come one by one: the archive would have to be read twice to know their sum before.
            _check_room(archive, info.size, folder)
            yield _Member(name, info.size, None if info.isdir() else partial(_content, opened, info))
        # tarfile takes a header that it cannot read for the end of the archive.
        assert opened.fileobj is not None
        opened.fileobj.seek(opened.offset)
        if opened.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"no header at byte {opened.offset}")


def _content(opened: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = opened.extractfile(info)
    assert stream is not None  # it is a regular file
    return stream


def _write(archive: Path, member: _Member, folder: Path, after_reading: Callable[[], None]) -> None:
    parts = _checked_parts(archive, member.name)
    if not parts or any(part in _NOT_OF_THE_CORPUS for part in parts):
        return
    target = folder.joinpath(*parts)
    try:
        (target if member.open is None else target.parent).mkdir(parents=True, exist_ok=True)
        if member.open is None:
            return
        with target.open("xb") as written, member.open() as stream:
            while block := stream.read(_COPIED_AT_ONCE):
                written.write(block)
                after_reading()
    except (FileExistsError, NotADirectoryError):
        raise _refusal(archive, member.name, "would replace another file") from None


def _checked_parts(archive: Path, name: str) -> list[str]:
    """The folders and the file of a member's name; Windows' separators count as such everywhere."""
    parts = name.replace("\\", "/").split("/")
    if parts[0] == "" and any(parts):
        raise _refusal(archive, name, "has an absolute path")
    if _DRIVE.match(parts[0]):
        raise _refusal(archive, name, "has a path with a drive letter")
    if ".." in parts:
        raise _refusal(archive, name, "leads out of its folder")
    if _CONTROL_CHARACTER.search(name):
        raise _refusal(archive, name, "has a control character in its name")
    if len(parts) > _DEEPEST:
        raise _refusal(archive, name, f"lies more than {_DEEPEST} folders deep")
    return [part for part in parts if part not in ("", ".")]


def _refusal(archive: Path, name: str, what: str) -> UserError:
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    return UserError(
        f"{archive}: {shown!r} in it {what}: an archive of recordings has no need of that, so it is refused; "
        "if you trust it, unpack it yourself and give the folder"
    )


def _check_room(archive: Path, wanted_bytes: int, folder: Path) -> None:
    standing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free_bytes = shutil.disk_usage(standing).free
    if wanted_bytes > free_bytes:
        wanted, free = (f"{size / 1e9:.1f} GB" for size in (wanted_bytes, free_bytes))
        raise UserError(
            f"{archive}: needs {wanted} unpacked, and {standing} has {free} free: make room, or give an "
            "--output-path on a larger disk"
        )


def _os_reason(error: OSError) -> str:
    if error.errno is None:  # of gzip and bz2, about the archive's bytes
        return f"is damaged: {_in_one_line(error)}; obtain it again"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: make room, or give an --output-path on a larger disk"
    return f"cannot be unpacked: {system_reason(error)}"


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
