"""What a corpus recipe is: the facts about a published corpus, and how its files become a table."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kser.corpora.listing import listed
from kser.errors import UserError

_AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aif", ".aiff"})


@dataclass(frozen=True)
class Recipe:
    """A published corpus and how to make its metadata table.

    A corpus is one module of `kser.corpora` with a constant `RECIPE`, listed in `kser.corpora.recipes`.
    """

    name: str
    """What the command line calls it: lower case, no spaces."""
    title: str
    """Its full published name."""
    citation: str
    licence: str
    home_page: str
    sampling_rate_hz: int
    """As published; the loader resamples to what a model needs."""
    language: str
    classes: tuple[str, ...]
    expected_utterances: int
    verified: bool
    """Whether the recipe was run on the published files, not only on their description."""
    layout: str
    """What the source folder holds, in a few words: shown when a folder does not look like it."""
    read: Callable[[Path], pd.DataFrame]
    """Source folder → table with `path` (absolute), `class_id`, `actor`, `gender` and further columns, all
    text. Raises `UserError` when the folder is another one or has audio files with unexpected names."""


def audio_files(folder: Path) -> list[Path]:
    """Audio files in the folder itself, by name, without hidden ones (which archives made on macOS hold)."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix.lower() in _AUDIO_SUFFIXES]
    return sorted(path for path in found if not path.name.startswith("."))


def parse_names(files: Iterable[Path], pattern: re.Pattern[str], example: str) -> list[dict[str, str]]:
    """Read what the names of the files say.

    Args:
        files: audio files.
        pattern: matches a whole name without its suffix; its named groups are what is wanted.
        example: a name as it should be, for the message.

    Returns:
        The groups of each file's name, in the order of the files.

    Raises:
        UserError: names that the pattern does not match; they are listed.
    """
    matches = {path: pattern.fullmatch(path.stem) for path in files}
    if unexpected := [str(path) for path, match in matches.items() if match is None]:
        raise UserError(
            f"{len(unexpected)} audio files have unexpected names: {listed(unexpected)}; "
            f"names are like {example}: take the others out of the folder"
        )
    return [match.groupdict() for match in matches.values() if match is not None]
