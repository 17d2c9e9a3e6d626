"""What a user names to be predicted: files, folders, patterns, metadata, standard input."""

import glob
import sys
from collections.abc import Iterable
from pathlib import Path

from kser.corpora.metadata import read_paths
from kser.corpora.rewriting_plan import SUFFIXES
from kser.errors import UserError
from kser.files import expanded, is_there
from kser.words import printable

STANDARD_INPUT = "-"
_PATTERN = frozenset("*?[")


def recordings_at(given: Iterable[str], input_column: str = "path") -> list[str]:
    """The recordings that are meant, each once, in the order in which they were given.

    Args:
        given: of each an audio or video file; a folder, for all of them in it and below; a pattern such as
            `calls/**/*.wav`; a metadata CSV; or `-` for a file on standard input.
        input_column: of metadata, the column with the audio files.

    Raises:
        UserError: nothing was given, a folder or pattern has no recordings, a CSV cannot be read, or a
            name is no text.
    """
    found = [path for each in given for path in _recordings(each, input_column)]
    if not found:
        raise UserError("no recording given: a file, a folder, a pattern, a metadata CSV, or - ")
    for path in found:
        if any(
            "\ud800" <= mark <= "\udfff" for mark in path
        ):  # bytes that are not UTF-8; no decoder takes it
            raise UserError(f"{printable(path)}: its name is not UTF-8; rename the file")
    return list(dict.fromkeys(found))


def standard_input() -> bytes:
    """All that is written to standard input."""
    return sys.stdin.buffer.read()


def _recordings(given: str, input_column: str) -> list[str]:
    if given == STANDARD_INPUT:
        return [given]
    path = expanded(given)
    if path.is_dir():
        return _below(path)
    if is_there(path) or not _PATTERN & set(given):
        return read_paths(path, input_column) if path.suffix.lower() == ".csv" else [str(path)]
    names = glob.glob(str(path), recursive=True)  # noqa: PTH207 — the pattern may be absolute
    found = sorted(name for name in names if Path(name).is_file())
    if not found:
        raise UserError(f"{given}: no file has such a name")
    return found


def _below(folder: Path) -> list[str]:
    found = sorted(
        str(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        raise UserError(
            f"{folder}: no recordings in it (files with a suffix such as .wav, .flac, .mp3, .m4a)"
        )
    return found
