"""Which recordings a folder or a metadata CSV names, and where the processed copy of each will go."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from kser.audio.rewriting import written_name
from kser.audio.segments import file_of
from kser.corpora.metadata import TableFormat, read_metadata
from kser.corpora.recipe import AUDIO_SUFFIXES
from kser.delimited import header_of
from kser.errors import UserError
from kser.files import read_text
from kser.grouping import grouped
from kser.words import listed

# What counts as a recording in a folder; a metadata CSV may name any file.
SUFFIXES = AUDIO_SUFFIXES | {
    *(".wave", ".oga", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64", ".bwf", ".sph"),
    *(".mp4", ".m4b", ".aac", ".avi", ".mov", ".mkv", ".mka", ".webm", ".wma", ".3gp", ".amr"),
}


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        targets: for each recording (absolute path) the copy's path below the output folder.
        tables: for each metadata CSV its copy's path below the output folder, and its rows.
        unreadable: recordings whose header shows that they cannot be decoded, and why.
        other_files: how many files of the folder are neither.
    """

    targets: dict[Path, Path]
    tables: dict[Path, pd.DataFrame]
    unreadable: dict[Path, str] = field(default_factory=dict)
    other_files: int = 0


def plan_rewriting(input_path: str | Path, output_path: str | Path) -> Plan:
    """Find the recordings, and decide where their copies go: at the same place of the output folder.

    Recordings that a metadata CSV names outside its folder are put as they lie below the folder common to
    them.

    Args:
        input_path: a folder with recordings (its metadata CSVs are found), or a metadata CSV.
        output_path: the folder for the copies.

    Raises:
        UserError: the input is not found or has no recording, a metadata CSV has a mistake, or the output
            folder is the input or lies within it.
    """
    given = Path(input_path).expanduser()
    if not given.exists():
        raise UserError(f"{given}: folder or metadata CSV not found")
    base = _absolute(given if given.is_dir() else given.parent)
    _check_apart(given, Path(output_path).expanduser())
    recordings: list[Path] = []
    csv_paths, others = [_absolute(given)], 0
    if given.is_dir():
        recordings, csv_paths, others = _sorted_out(base)
    as_written = TableFormat(normalize=False)
    tables = {
        path: read_metadata(path, output_column=(), check_files=False, table_format=as_written)
        for path in csv_paths
    }
    named = [_absolute(Path(file_of(path))) for table in tables.values() for path in table["path"]]
    recordings = list(dict.fromkeys([*recordings, *named]))
    if not recordings:
        raise UserError(f"{given}: no recordings in it (files with a suffix such as .wav, .flac, .mp3, .m4a)")
    targets, unreadable = _targets(recordings, base)
    by_target = {path.relative_to(base): table for path, table in tables.items()}
    return Plan(targets, by_target, unreadable, others)


def _check_apart(given: Path, output: Path) -> None:
    """Links are followed: what a name hides must not be processed in place."""
    source, target = given.resolve(), output.resolve()
    if target.exists() and not target.is_dir():
        raise UserError(f"{output}: is a file, but the copies need a folder")
    if given.is_dir() and target.is_relative_to(source):
        where = "is the input folder" if target == source else f"lies within the input folder {given}"
        raise UserError(f"{output}: {where}; choose an output folder outside it")
    if not given.is_dir() and target == source.parent:
        raise UserError(f"{output}: is the folder of {given.name}; choose another output folder")


def _sorted_out(folder: Path) -> tuple[list[Path], list[Path], int]:
    """Recordings, metadata CSVs and the number of other files of a folder; hidden ones are passed over."""
    recordings, tables, others = [], [], 0
    for path in _files(folder):
        if path.suffix.lower() in SUFFIXES:
            recordings.append(path)
        elif path.suffix.lower() == ".csv" and _is_metadata(path):
            tables.append(path)
        else:
            others += 1
    return recordings, tables, others


def _files(folder: Path) -> Iterable[Path]:
    """All visible files below a folder, also through links, each folder once."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


def _is_metadata(path: Path) -> bool:
    columns = {"path", "actor"}
    try:
        return columns <= {*header_of(read_text(path), columns)}
    except UserError:
        return False


def _targets(recordings: list[Path], base: Path) -> tuple[dict[Path, Path], dict[Path, str]]:
    outside = [path for path in recordings if not path.is_relative_to(base)]
    common = Path(os.path.commonpath([path.parent for path in outside])) if outside else base
    places = {path: path.relative_to(base if path.is_relative_to(base) else common) for path in recordings}
    names: dict[Path, str] = {}
    unreadable: dict[Path, str] = {}
    for path in recordings:
        try:
            names[path] = written_name(path)
        except UserError as error:
            unreadable[path] = str(error)
    kept = {places[path] for path, name in names.items() if name == path.name}
    targets = {path: places[path].with_name(name) for path, name in names.items()}
    for path, target in targets.items():
        if target in kept and path.name != target.name:  # a.m4a beside a.flac
            targets[path] = target.with_name(path.name + target.suffix)
    _check_distinct(targets)
    return targets, unreadable


def _check_distinct(targets: dict[Path, Path]) -> None:
    sources = grouped((target, str(path)) for path, target in targets.items())
    if clashes := [" and ".join(paths) for paths in sources.values() if len(paths) > 1]:
        raise UserError(f"{listed(clashes, '; ')}: would be written to the same file; process them apart")


def _absolute(path: Path) -> Path:
    # Links stay as they are: a corpus linked into the input folder lies below it.
    return Path(os.path.normpath(path.expanduser().absolute()))
