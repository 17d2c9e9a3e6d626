"""The one way from a published corpus to its metadata CSV and the report on it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pandas as pd
from rich.console import Console

from kser.console import print_line, print_note
from kser.corpora.metadata import read_metadata, write_metadata
from kser.corpora.preparation_report import (
    difference_from_published,
    preparation_report,
    report_paths,
    summary_lines,
    warning_lines,
    write_report,
)
from kser.corpora.recipe import Recipe, unexpected_names_left_out
from kser.corpora.recordings import check_recordings
from kser.corpora.sources import corpus_folder, downloaded_corpus, read_as_published
from kser.errors import UserError, system_reason
from kser.words import listed

__all__ = ["difference_from_published", "prepare"]

_WARNINGS_SHOWN = 12


def prepare(
    recipe: Recipe,
    source: str | Path | Sequence[str | Path] | None,
    csv_path: str | Path,
    console: Console | None = None,
    allow_unknown: bool = False,
) -> pd.DataFrame:
    """Write the metadata CSV of a corpus, and the report on it beside.

    Every recording is decoded; one that cannot be is left out and named in the report. An older CSV
    is replaced when all of this went well, and is untouched otherwise.

    Args:
        recipe: the corpus.
        source: a folder laid out as `recipe.layout` says, also one folder further down; or an archive of it,
            or several, which are unpacked beside the CSV. `None` downloads the corpus.
        csv_path: the CSV to write. Paths below its folder are written relative to it.
        console: where to show progress, a summary and what is to be known of the corpus.
        allow_unknown: leave out audio files with unexpected names, and tell which, instead of refusing them.

    Returns:
        The table, as `read_metadata` reads it from the file just written. `difference_from_published` says
        whether it is complete.

    Raises:
        UserError: the folder is not found or laid out otherwise, has audio files with unexpected names or
            none that can be read; or as `kser.corpora.sources` says of archives and downloads.
    """
    csv_path = Path(csv_path)
    collecting: AbstractContextManager[list[Path]] = nullcontext([])
    if allow_unknown:
        collecting = unexpected_names_left_out()
    with collecting as left_out:
        if source is None:
            folder = downloaded_corpus(recipe, csv_path.parent, console)
        else:
            sources = [source] if isinstance(source, str | Path) else source
            folder = corpus_folder(recipe, sources, csv_path.parent, console)
        folder, found = read_as_published(recipe, folder)
    found = found.drop_duplicates(ignore_index=True)  # a label file may name a recording twice
    with _draft_of(csv_path) as draft:
        _write_proven(found, draft, csv_path, check_files=False)
        recordings = check_recordings(list(found["path"]), console)
        readable = [not recording.problem for recording in recordings]
        if not any(readable):
            raise UserError(
                f"{folder}: none of its {len(found)} recordings can be read, the first because: "
                f"{recordings[0].path}: {recordings[0].problem}"
            )
        _write_proven(found[readable], draft, csv_path, check_files=True)
        report = preparation_report(recipe, folder, found, recordings, csv_path.parent, left_out)
        write_report(report, csv_path)
        draft.replace(csv_path)
    table = read_metadata(csv_path, check_files=False)
    if console is not None:
        _show(recipe, table, report, csv_path, console)
    return table


@contextmanager
def _draft_of(csv_path: Path) -> Iterator[Path]:
    """A path for the CSV until it is right; in the same folder, from which its paths are read."""
    if csv_path.name in ("", "..") or csv_path.is_dir():
        raise UserError(f"{csv_path}: is a folder, where a file is to be written")
    draft = csv_path.with_name(f".{csv_path.name}.{os.getpid()}")
    try:
        csv_path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
    except OSError as error:
        raise UserError(f"{csv_path}: cannot be written: {system_reason(error, csv_path)}") from None
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _write_proven(table: pd.DataFrame, draft: Path, csv_path: Path, check_files: bool) -> None:
    """Write a metadata CSV and read it as training will: names that a CSV cannot hold show here."""
    try:
        write_metadata(table, draft)
        read_metadata(draft, check_files=check_files)
    except UnicodeEncodeError:
        strange = [ascii(path) for path in table["path"] if not _is_text(path)]
        raise UserError(f"{listed(strange)}: the name is not UTF-8 text; rename the file") from None
    except UserError as error:
        raise UserError(str(error).replace(str(draft), str(csv_path))) from None


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _show(recipe: Recipe, table: pd.DataFrame, report: dict, csv_path: Path, console: Console) -> None:
    classes = table["class_id"].nunique()
    print_line(
        console,
        f"{csv_path}: {len(table)} utterances, {table['actor'].nunique()} speakers, {classes} classes",
    )
    for line in summary_lines(report):
        print_line(console, f"  {line}")
    warnings = warning_lines(report)
    if difference := difference_from_published(recipe, table):
        warnings.insert(0, difference)
    for line in warnings[:_WARNINGS_SHOWN]:
        print_note(console, line)
    more = len(warnings) - _WARNINGS_SHOWN
    print_line(
        console,
        f"{report_paths(csv_path)[1]}: the whole report"
        + (f", with {more} more warnings" if more > 0 else ""),
    )
