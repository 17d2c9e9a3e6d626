"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: its song, audio only.

Actor 18 did not sing.
"""

from pathlib import Path

import pandas as pd

from kser.corpora.emotions import CODES
from kser.corpora.recipe import Archive, Recipe
from kser.corpora.recipes import ravdess

_EMOTIONS = CODES["ravdess_song"]
_LAYOUT = (
    "a folder with the subfolders Actor_01 to Actor_24, without Actor_18, with files such as "
    "03-02-06-01-02-01-12.wav"
)


def _read(source: Path) -> pd.DataFrame:
    message = f"{source}: does not look like the song of RAVDESS, which is {_LAYOUT}"
    return ravdess.read_channel(source, "02", _EMOTIONS, message)


RECIPE = Recipe(
    name="ravdess_song",
    title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS): song",
    citation=ravdess.CITATION,
    licence=ravdess.LICENCE,
    home_page=ravdess.HOME_PAGE,
    sampling_rate_hz=ravdess.SAMPLING_RATE_HZ,
    language="English",
    classes=tuple(sorted(_EMOTIONS.values())),
    expected_utterances=1012,
    expected_speakers=23,
    layout=_LAYOUT,
    read=_read,
    archives=(
        Archive(
            url="https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip",
            size_bytes=225_505_317,
            checksum="md5:5411230427d67a21e18aa4d466e6d1b9",
        ),
    ),
)
