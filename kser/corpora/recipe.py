"""What a corpus recipe is: the facts about a published corpus, and how its files become a table."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd

from kser.errors import UserError
from kser.words import listed

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aif", ".aiff"})


_GENDERS = {"f": "female", "w": "female", "m": "male"}

# Where files with unexpected names are collected; `None`: they are refused.
_left_out: ContextVar[list[Path] | None] = ContextVar("left_out", default=None)


class NotTheCorpusError(UserError):
    """A folder holds something other than the corpus; its only subfolder may hold it."""


@dataclass(frozen=True)
class Archive:
    """A file that anybody may download, as its publisher describes it."""

    url: str
    """`http` or `https`; its last part is the file's name, unless `file_name` says otherwise."""
    size_bytes: int
    checksum: str
    """As published: `md5:` or `sha256:` and the hexadecimal digits."""
    unpack_into: str = ""
    """Subfolder of the corpus that its content belongs into, where the archive itself does not say so."""
    file_name: str = ""
    """For a URL that does not end in the file's name."""

    @property
    def name(self) -> str:
        """Name of the file that it becomes."""
        return self.file_name or unquote(urlsplit(self.url).path).rstrip("/").rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Recipe:
    """A published corpus and how to make its metadata table.

    A corpus is one module of `kser.corpora.recipes` with a constant `RECIPE`, and a card, `data/NAME.md`.
    """

    name: str
    """What the command line calls it: lower case, no spaces."""
    title: str
    """Its full published name."""
    short_title: str
    """What people call it."""
    citation: str
    licence: str
    home_page: str
    sampling_rate_hz: int | None
    """As published, `None` where that could not be confirmed; the loader resamples to what a model needs."""
    language: str
    codes: Mapping[str, str]
    """What it writes into file names or label files for an emotion → its own English name for it, as in the
    column `class_id`; `kser.corpora.emotions` maps those names to the ones of other corpora."""
    expected_utterances: int
    expected_speakers: int
    layout: str
    """What the source folder holds, in a few words: shown when a folder does not look like it."""
    make_table: Callable[[Path], pd.DataFrame]
    """Source folder → table, see `read`. Raises `NotTheCorpusError`, without a message, when the folder holds
    another corpus, and `UserError` when it has audio files with unexpected names."""
    verified: bool = False
    """Whether the recipe was run on the published files, not only on their description."""
    folds: str | None = None
    """Column with the official partitions or sessions, where the corpus has them."""
    speakers_note: str = ""
    """What `expected_speakers` counts where the corpus does not say who speaks."""
    archives: tuple[Archive, ...] = ()
    """What `--download` fetches; empty where the licence or the publisher asks for more than a click."""

    @property
    def speakers(self) -> str:
        """How many speakers the column `actor` has, and what they are if not speakers."""
        note = f" ({self.speakers_note})" if self.speakers_note else ""
        return f"{self.expected_speakers}{note}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes in English, by name."""
        return tuple(sorted(set(self.codes.values())))

    def read(self, folder: Path) -> pd.DataFrame:
        """The table of the corpus.

        Args:
            folder: laid out as `layout` says; within `unexpected_names_left_out`, it may hold other audio.

        Returns:
            Columns `path` (absolute), `class_id`, `actor`, `gender` and those of the corpus, all text.

        Raises:
            NotTheCorpusError: the folder does not hold the corpus.
            UserError: it has audio files with unexpected names, or mistakes in a label file.
        """
        if (left_out := _left_out.get()) is not None:
            left_out.clear()
        try:
            # Arrow, which pandas takes where it is installed, holds no name of a file that is no text.
            with pd.option_context("mode.string_storage", "python"):
                return self.make_table(folder)
        except NotTheCorpusError:
            raise NotTheCorpusError(
                f"{folder}: does not look like {self.short_title}, which is {self.layout}"
            ) from None


@contextmanager
def unexpected_names_left_out() -> Iterator[list[Path]]:
    """Within it, recipes leave out audio files with unexpected names instead of refusing the folder.

    Yields:
        The files that the last reading of a folder left out.
    """
    files: list[Path] = []
    token = _left_out.set(files)
    try:
        yield files
    finally:
        _left_out.reset(token)


def refuse_unexpected(files: list[Path], example: str) -> None:
    """Refuse audio files that a recipe cannot tell anything of, or note that they are left out.

    Args:
        files: those with unexpected names; often none.
        example: a name as it should be.

    Raises:
        UserError: there are some, outside of `unexpected_names_left_out`.
    """
    left_out = _left_out.get()
    if left_out is not None:
        left_out += files
    elif files:
        raise UserError(
            f"{len(files)} audio files have unexpected names: {listed([str(path) for path in files])}; "
            f"names are like {example}: take the others out of the folder, or leave them out: --allow-unknown"
        )


def audio_files_below(folder: Path, suffixes: frozenset[str] = AUDIO_SUFFIXES) -> list[Path]:
    """Audio files in a folder and its subfolders, by path, without hidden ones."""
    folders = [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]
    return [path for each in folders for path in audio_files(each, suffixes)]


def audio_files(folder: Path, suffixes: frozenset[str] = AUDIO_SUFFIXES) -> list[Path]:
    """Audio files in the folder itself, by name, without hidden ones (which archives made on macOS hold)."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix.lower() in suffixes]
    return sorted(path for path in found if not path.name.startswith("."))


def table_from_names(
    files: Iterable[Path],
    pattern: re.Pattern[str],
    codes: Mapping[str, str],
    example: str,
    row: Callable[[dict[str, str]], dict[str, str]] = lambda name: {},
    below: Path | None = None,
) -> pd.DataFrame:
    """A table of what the names of the files say.

    Args:
        files: audio files.
        pattern: matches a whole name without its suffix. Its group `emotion` is looked up in `codes`, a group
            `gender` begins with f, w or m in either case; every other named group is a column as it is.
        codes: of the recipe.
        example: a name as it should be, for the message when some names do not fit.
        row: groups of a name → the columns that are not as in the name, or not in it, in the order wanted;
            groups that it does not mention follow.
        below: the folder below which the whole path, with slashes, is matched, where folders say something
            too; else the name alone is.

    Returns:
        The columns `path` (absolute), `class_id`, `actor`, `gender` and the further ones, all text; a row per
        file, in their order.

    Raises:
        NotTheCorpusError: no name is matched.
        UserError: some are not; they are listed.
    """
    rows = []
    for path, name in facts_in_names(files, pattern, example, below).items():
        gender = _GENDERS.get(name.get("gender", "")[:1].lower())
        facts = {"class_id": codes[name["emotion"]], "actor": name.get("actor"), "gender": gender} | row(name)
        further = {group: text for group, text in name.items() if group not in {"emotion", *facts}}
        rows.append({"path": str(path.absolute()), **facts, **further})
    return pd.DataFrame(rows, dtype=str)


def facts_in_names(
    files: Iterable[Path], pattern: re.Pattern[str], example: str, below: Path | None = None
) -> dict[Path, dict[str, str]]:
    """The named groups of a pattern in the name of each file; arguments and errors as `table_from_names`."""
    matches = {path: pattern.fullmatch(_matched_text(path, below)) for path in files}
    if not any(matches.values()):
        raise NotTheCorpusError
    refuse_unexpected([path for path, match in matches.items() if match is None], example)
    return {path: match.groupdict() for path, match in matches.items() if match}


def _matched_text(path: Path, below: Path | None) -> str:
    return path.stem if below is None else path.relative_to(below).with_suffix("").as_posix()
