"""Metadata tables: which recordings a corpus has, who speaks in them and what they are labelled as.

A metadata CSV has the columns `path,class_id,actor` and, where it is known, `gender`, in any order, and any
further ones. It is read here and nowhere else, so that every mistake in one is found before anything is
trained on it.
"""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kser.audio.known_contents import known_contents, recording_digest
from kser.audio.segments import as_seconds, file_of, segment_of
from kser.corpora.genders import UNKNOWN
from kser.corpora.headers import OWN_COLUMNS, check_header, likely_column, renamed_header
from kser.corpora.normalization import normalized
from kser.corpora.segment_columns import SEGMENT_COLUMNS, named_segments
from kser.delimited import DelimitedError, split_cells
from kser.errors import UserError
from kser.files import is_there, read_text, replacing, resolve_input
from kser.grouping import grouped
from kser.spreadsheets import inert
from kser.words import listed

_LEADING_COLUMNS = ("path", "class_id", "actor", "gender")


@dataclass(frozen=True)
class TableFormat:
    """How a metadata CSV is to be taken where it is not as kser writes it.

    Attributes:
        columns: pairs of a column's name in the file and its new one.
        normalize: whether other spellings of a value are taken for it, see `kser.corpora.normalization`.
        names: further columns with names (sessions, groups), which have several spellings as speakers may.
    """

    columns: tuple[tuple[str, str], ...] = ()
    normalize: bool = True
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """A metadata CSV.

    Attributes:
        table: see `read_metadata`.
        notes: what was taken for what, a line each.
    """

    table: pd.DataFrame
    notes: list[str]


def read_metadata(
    csv_path: str | Path,
    output_column: str | Sequence[str] = "class_id",
    input_column: str = "path",
    check_files: bool = True,
    table_format: TableFormat = TableFormat(),
) -> pd.DataFrame:
    """Read and check a metadata CSV.

    The separator is a comma, semicolon or tab; the text UTF-8 or UTF-16, with or without byte order mark.
    Relative paths are read from the CSV's folder, then from the working folder. A column without a name (the
    index that pandas writes) is left out; every other one is kept as text. Where there are columns `start`
    and `end`, each row is a part of its file.

    Args:
        csv_path: the file.
        output_column: the column that a model learns; several for regression.
        input_column: the column with the paths of the recordings.
        check_files: whether every recording must exist.
        table_format: other names of its columns, and whether spellings are made one.

    Returns:
        One row per utterance, in the order of the file, all columns text without surrounding spaces:
        `path` (absolute; of a part of a file its name, see `kser.audio.segments`), `utterance` (the path as
        written, with forward slashes: the identity of a row on every machine), the output columns, `actor`,
        `gender` (unknown where the file does not say), then the further columns.

    Raises:
        UserError: a line for each kind of mistake, with the file and the row numbers (the header is row 1).

    Examples:
        >>> table = read_metadata("data/emodb/metadata.csv")  # doctest: +SKIP
        >>> list(table.columns)  # doctest: +SKIP
        ['path', 'utterance', 'class_id', 'actor', 'gender', 'sentence', 'version']
    """
    return load_metadata(csv_path, output_column, input_column, check_files, table_format).table


def load_metadata(
    csv_path: str | Path,
    output_column: str | Sequence[str] = "class_id",
    input_column: str = "path",
    check_files: bool = True,
    table_format: TableFormat = TableFormat(),
) -> Metadata:
    """As `read_metadata`, and what was taken for what."""
    csv_path = Path(csv_path)
    outputs = [output_column] if isinstance(output_column, str) else list(output_column)
    required = list(dict.fromkeys([input_column, *outputs, "actor"]))
    _check_outputs(csv_path, outputs, input_column)
    cells, row_numbers = _read_cells(csv_path, required, dict(table_format.columns))
    notes = _notes_about_gender(cells)
    files = cells[input_column].str.replace("\\", "/", regex=False)
    paths, utterances, wrong_times = _recordings(files, cells, csv_path.parent, row_numbers)
    described = list(dict.fromkeys([*outputs, "actor", "gender"]))
    extras = [name for name in cells if name not in {input_column, *described}]
    table = cells.reindex(columns=[*described, *extras], fill_value=UNKNOWN)
    table.insert(0, "path", paths)
    table.insert(1, "utterance", utterances)
    if "gender" not in outputs:
        table["gender"] = table["gender"].replace("", UNKNOWN)
    if table_format.normalize:
        table, taken = normalized(table, outputs, table_format.names)
        notes += taken

    mistakes = [
        _empty_cells(table.assign(**{input_column: files}), required, row_numbers),
        wrong_times,
        _duplicates(table, row_numbers),
        _missing_files(table, row_numbers) if check_files else "",
    ]
    if any(mistakes):
        raise UserError("\n".join(f"{csv_path}: {mistake}" for mistake in mistakes if mistake))
    return Metadata(table, [f"{csv_path}: {note}" for note in notes])


def read_paths(csv_path: str | Path, input_column: str = "path") -> list[str]:
    """The recordings that a metadata CSV lists: the column `path` of `read_recordings`."""
    return list(read_recordings(csv_path, input_column)["path"])


def read_recordings(csv_path: str | Path, input_column: str = "path") -> pd.DataFrame:
    """The recordings that a metadata CSV lists, and what else it has of them, as it is.

    Args:
        csv_path: the file; with columns `start` and `end`, each row is a part of its file.
        input_column: the column with the audio files.

    Returns:
        One row a row of the file, all columns text: `path` and `utterance` as `read_metadata` gives them,
        then the columns of the file in their order, but for `input_column`.

    Raises:
        UserError: the CSV cannot be read or lacks the column, or cells are empty or no times.
    """
    csv_path = Path(csv_path)
    cells, row_numbers = _read_cells(csv_path, [input_column], {})
    files = cells[input_column].str.replace("\\", "/", regex=False)
    paths, utterances, wrong_times = _recordings(files, cells, csv_path.parent, row_numbers)
    mistakes = [_empty_cells(cells, [input_column], row_numbers), wrong_times]
    if any(mistakes):
        raise UserError("\n".join(f"{csv_path}: {mistake}" for mistake in mistakes if mistake))
    described = cells.drop(columns=[input_column, *({"path", "utterance"} & {*cells})], errors="ignore")
    described.insert(0, "path", paths)
    described.insert(1, "utterance", utterances)
    return described


def write_metadata(table: pd.DataFrame, csv_path: str | Path) -> None:
    """Write a table as a metadata CSV that `read_metadata` reads, whole or not at all.

    Paths below the CSV's folder are written relative to it, so that the folder can be moved as one; others
    are written absolute. A table with parts of files gets the columns `start` and `end`, in seconds.

    Args:
        table: a column `path` and any others; `utterance` is left out, it follows from the paths.
        csv_path: the file to write; its folder is created.

    Raises:
        UserError: a path cannot be read again as it is: it ends with a space or has a backslash.
    """
    csv_path = Path(csv_path)
    table = _with_segment_columns(table)
    leading = [name for name in _LEADING_COLUMNS if name in table]
    extras = [name for name in table if name not in (*leading, "utterance")]
    ordered = table[[*leading, *extras]].copy()
    folder = _lexically_absolute(csv_path.parent)
    written = [_path_from(folder, file_of(path)) for path in table["path"]]
    if unreadable := [repr(path) for path in written if path != path.rstrip() or "\\" in path]:
        raise UserError(
            f"{csv_path}: paths that end with a space or have a backslash: {listed(unreadable)}; "
            "rename the files or folders"
        )
    # A spreadsheet would run such a name; the path is the same.
    ordered["path"] = [f"./{path}" if path != inert(path) else path for path in written]
    # The csv module puts quotation marks where it sees its own line end; a bare carriage return is none.
    returns = any("\r" in str(cell) for name in ordered for cell in [name, *ordered[name]])
    with replacing(csv_path) as draft:
        ordered.to_csv(
            draft,
            index=False,
            encoding="utf-8",
            lineterminator="\n",
            quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL,
        )


def content_key(path: str | Path) -> str:
    """A fingerprint of a file's bytes, to recognise the same recording under another name.

    It covers all of them: recordings may begin and end in the same silence. A part of a file has one of its
    own. See `kser.files.content_digest` and `kser.audio.known_contents.recording_digest`.

    Returns:
        32 hexadecimal digits.

    Raises:
        UserError: the file is missing or not a file.
    """
    try:
        return recording_digest(path)
    except FileNotFoundError:
        raise UserError(f"{path}: audio file not found") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def content_keys(paths: Iterable[str]) -> list[str]:
    """The `content_key` of each of many files; those that an earlier process has read are not read again."""
    paths = list(paths)
    with known_contents.recalled(paths):
        return [content_key(path) for path in paths]


def _check_outputs(csv_path: Path, outputs: Sequence[str], input_column: str) -> None:
    for name in outputs:
        if name in OWN_COLUMNS or name == input_column:
            use = "the input_column" if name == input_column else "a name kser uses itself"
            raise UserError(f"{csv_path}: output_column is {name!r}, {use}; name the column of the labels")


def _read_cells(
    csv_path: Path, required: Sequence[str], columns: Mapping[str, str]
) -> tuple[pd.DataFrame, list[int]]:
    """The cells below each name of the header, and the number of each row's first line in the file."""
    try:
        header, rows, row_numbers, _ = split_cells(read_text(csv_path), {*required, *columns})
    except DelimitedError as error:
        raise UserError(f"{csv_path}: {error}") from None
    if not header:
        raise UserError(f"{csv_path}: is empty; expected a header and a row for each utterance")
    if not rows:
        raise UserError(f"{csv_path}: has a header but no rows; expected a row for each utterance")
    rows = _as_wide_as_header(csv_path, header, rows, row_numbers)
    header = renamed_header(csv_path, header, columns)
    check_header(csv_path, header, required)
    cells = pd.DataFrame(rows, columns=header, dtype=str)
    return cells.loc[:, [name != "" for name in header]], row_numbers


def _as_wide_as_header(
    csv_path: Path, header: list[str], rows: list[list[str]], row_numbers: list[int]
) -> list[list[str]]:
    """The rows, without empty cells beyond the header; one that is too short or too long is a mistake."""
    width = len(header)
    numbered = zip(row_numbers, rows, strict=True)
    if uneven := [number for number, row in numbered if len(row) < width or any(row[width:])]:
        raise UserError(
            f"{csv_path}: {_rows(uneven)}: not {width} cells, as the header has; "
            "a cell that contains the separator needs quotation marks"
        )
    return [row[:width] for row in rows]


def _notes_about_gender(cells: pd.DataFrame) -> list[str]:
    if "gender" in cells:
        return []
    other = likely_column("gender", list(cells.columns))
    hint = f', unless "columns": {{"{other}": "gender"}} says that it is {other!r}' if other else ""
    return [f"no column gender: it is unknown of every speaker{hint}"]


def _recordings(
    files: pd.Series, cells: pd.DataFrame, folder: Path, row_numbers: Sequence[int]
) -> tuple[list[str], list[str], str]:
    """Path and utterance of each row, and what is wrong with the times of segments."""
    paths = [str(resolve_input(file, beside=folder)) for file in files]
    files = files.map(_named)
    if not all(name in cells for name in SEGMENT_COLUMNS):
        return paths, files.tolist(), ""
    times = [cells[name] for name in SEGMENT_COLUMNS]
    named, wrong_times = named_segments(zip(paths, *times, strict=True), row_numbers)
    utterances, _ = named_segments(zip(files, *times, strict=True), row_numbers)
    return named, utterances, wrong_times


def _named(file: str) -> str:
    """The name of a recording: without what `write_metadata` puts before one that a spreadsheet would run."""
    name = file.removeprefix("./")
    return name if name != inert(name) else file


def _with_segment_columns(table: pd.DataFrame) -> pd.DataFrame:
    segments = [segment_of(path) for path in table["path"]]
    if not any(segments):
        return table
    starts = ["" if segment is None else as_seconds(segment.start_s) for segment in segments]
    ends = ["" if not segment or segment.end_s is None else as_seconds(segment.end_s) for segment in segments]
    return table.assign(start=starts, end=ends)


def _empty_cells(table: pd.DataFrame, required: Iterable[str], row_numbers: list[int]) -> str:
    empty = {
        name: [number for number, cell in zip(row_numbers, table[name], strict=True) if not cell]
        for name in required
    }
    found = [f"{name!r} in {_rows(numbers)}" for name, numbers in empty.items() if numbers]
    return f"empty cells: {'; '.join(found)}; every utterance needs a value" if found else ""


def _duplicates(table: pd.DataFrame, row_numbers: list[int]) -> str:
    rows_of = grouped(
        (os.path.normpath(path), number)
        for path, utterance, number in zip(table["path"], table["utterance"], row_numbers, strict=True)
        if utterance
    )
    repeated = [numbers for numbers in rows_of.values() if len(numbers) > 1]
    if not repeated:
        return ""
    written = dict(zip(row_numbers, table["utterance"], strict=True))
    found = [f"{written[numbers[0]]} in {_rows(numbers)}" for numbers in repeated]
    return f"recordings that are listed more than once: {listed(found, '; ')}; keep one row for each"


def _missing_files(table: pd.DataFrame, row_numbers: list[int]) -> str:
    missing = [
        f"{utterance} (row {number})"
        for path, utterance, number in zip(table["path"], table["utterance"], row_numbers, strict=True)
        if utterance and not _is_file(file_of(path))
    ]
    if not missing:
        return ""
    return (
        f"{len(missing)} of {len(table)} audio files not found: {listed(missing)}; "
        "paths are read from the CSV's folder, then from the working folder"
    )


def _is_file(path: str) -> bool:
    return is_there(Path(path)) and Path(path).is_file()


def _path_from(folder: Path, path: str) -> str:
    absolute = _lexically_absolute(Path(path))
    if not absolute.is_relative_to(folder) or absolute.relative_to(folder).parts[:1] == ("~",):
        return absolute.as_posix()  # `~/` would be read as the home folder
    below = absolute.relative_to(folder).as_posix()
    return f"./{below}" if below != below.lstrip() else below  # a space in front would be lost


def _lexically_absolute(path: Path) -> Path:
    # Links stay as they are: a corpus linked into the CSV's folder lies below it.
    return Path(os.path.normpath(path.absolute()))


def _rows(numbers: Sequence[int]) -> str:
    return ("row " if len(numbers) == 1 else "rows ") + listed([str(number) for number in numbers])
