"""What a caller in Python gives as recordings: a metadata CSV, a table, or a list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kser.corpora.metadata import read_recordings
from kser.errors import UserError


def given_recordings(
    recordings: str | Path | pd.DataFrame | Sequence[Any], input_column: str
) -> tuple[pd.DataFrame, list[tuple[str, Any]]]:
    """The table of what was given, and of each recording its name and audio.

    Args:
        recordings: a metadata CSV; a data frame with a column of audio files; or a list of what
            `kser.serving.given_audio.sound_of` takes.
        input_column: of a CSV or data frame, the column with the audio files.

    Raises:
        UserError: there are none, or not this column, or the CSV cannot be read.
    """
    if isinstance(recordings, str | Path):
        table = read_recordings(recordings, input_column)
        return table, [(path, path) for path in table["path"]]
    if isinstance(recordings, pd.DataFrame):
        if input_column not in recordings:
            raise UserError(f"recordings: the table has no column {input_column}")
        return recordings, [(str(path), str(path)) for path in recordings[input_column]]
    given = list(recordings)
    if not given:
        raise UserError("recordings: none given")
    names = [
        str(each) if isinstance(each, str | Path) else f"recording {place}"
        for place, each in enumerate(given, 1)
    ]
    return pd.DataFrame({"path": names}), list(zip(names, given, strict=True))
