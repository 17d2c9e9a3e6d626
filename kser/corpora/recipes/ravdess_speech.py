"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: its speech, audio only."""

from pathlib import Path

import pandas as pd

from kser.corpora.emotions import CODES
from kser.corpora.recipe import Archive, Recipe
from kser.corpora.recipes import ravdess

_EMOTIONS = CODES["ravdess_speech"]
_LAYOUT = "a folder with the subfolders Actor_01 to Actor_24 with files such as 03-01-06-01-02-01-12.wav"


def _read(source: Path) -> pd.DataFrame:
    message = f"{source}: does not look like the speech of RAVDESS, which is {_LAYOUT}"
    return ravdess.read_channel(source, "01", _EMOTIONS, message)


RECIPE = Recipe(
    name="ravdess_speech",
    title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS): speech",
    citation=ravdess.CITATION,
    licence=ravdess.LICENCE,
    home_page=ravdess.HOME_PAGE,
    sampling_rate_hz=ravdess.SAMPLING_RATE_HZ,
    language="English",
    classes=tuple(sorted(_EMOTIONS.values())),
    expected_utterances=1440,
    expected_speakers=24,
    layout=_LAYOUT,
    read=_read,
    archives=(
        Archive(
            url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
            size_bytes=208_468_073,
            checksum="md5:bc696df654c87fed845eb13823edef8a",
        ),
    ),
)
