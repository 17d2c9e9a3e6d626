"""What a corpus recipe is: the facts about a published corpus, and how its files become a table."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd

from kser.errors import UserError
from kser.words import listed

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aif", ".aiff"})


_GENDERS = {"f": "female", "w": "female", "m": "male"}


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
    sampling_rate_hz: int
    """As published; the loader resamples to what a model needs."""
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
    archives: tuple[Archive, ...] = ()
    """What `--download` fetches; empty where the licence or the publisher asks for more than a click."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes in English, by name."""
        return tuple(sorted(set(self.codes.values())))

    def read(self, folder: Path) -> pd.DataFrame:
        """The table of the corpus.

        Args:
            folder: laid out as `layout` says.

        Returns:
            Columns `path` (absolute), `class_id`, `actor`, `gender` and those of the corpus, all text.

        Raises:
            NotTheCorpusError: the folder does not hold the corpus.
            UserError: it has audio files with unexpected names, or mistakes in a label file.
        """
        try:
            return self.make_table(folder)
        except NotTheCorpusError:
            raise NotTheCorpusError(
                f"{folder}: does not look like {self.short_title}, which is {self.layout}"
            ) from None


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

    Returns:
        The columns `path` (absolute), `class_id`, `actor`, `gender` and the further ones, all text; a row per
        file, in their order.

    Raises:
        NotTheCorpusError: no name is matched.
        UserError: some are not; they are listed.
    """
    rows = []
    for path, name in facts_in_names(files, pattern, example).items():
        gender = _GENDERS.get(name.get("gender", "")[:1].lower())
        facts = {"class_id": codes[name["emotion"]], "actor": name.get("actor"), "gender": gender} | row(name)
        further = {group: text for group, text in name.items() if group not in {"emotion", *facts}}
        rows.append({"path": str(path.absolute()), **facts, **further})
    return pd.DataFrame(rows, dtype=str)


def facts_in_names(
    files: Iterable[Path], pattern: re.Pattern[str], example: str
) -> dict[Path, dict[str, str]]:
    """The named groups of a pattern in the name of each file; arguments and errors as `table_from_names`."""
    matches = {path: pattern.fullmatch(path.stem) for path in files}
    if not any(matches.values()):
        raise NotTheCorpusError
    if unexpected := [str(path) for path, match in matches.items() if match is None]:
        raise UserError(
            f"{len(unexpected)} audio files have unexpected names: {listed(unexpected)}; "
            f"names are like {example}: take the others out of the folder"
        )
    return {path: match.groupdict() for path, match in matches.items() if match}
