"""Thorsten-emotional: one German speaker says 300 sentences in eight ways.

A file such as `amused/0a1f….wav` says by its folder how the sentence is said; its name, the same in all
folders, is the key of the sentence in `thorsten-emotional-metadata.csv`.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_STYLES = {
    "amused": "amusement",
    "angry": "anger",
    "disgusted": "disgust",
    "drunk": "drunkenness",
    "neutral": "neutral",
    "sleepy": "sleepiness",
    "surprised": "surprise",
    "whisper": "whispering",
}
_PATH = re.compile(rf"(?P<emotion>{'|'.join(_STYLES)})/(?P<sentence>[^/]+)")


def _table(source: Path) -> pd.DataFrame:
    files = [path for style in _STYLES for path in audio_files(source / style)]
    row = {"actor": "thorsten", "gender": "male"}
    return table_from_names(files, _PATH, _STYLES, "amused/KEY.wav", lambda name: row, below=source)


RECIPE = Recipe(
    name="thorsten_emotional",
    title="Thorsten-emotional, a German voice in eight styles",
    short_title="Thorsten-emotional",
    citation=(
        "T. Müller and D. Kreutz: Thorsten-Voice dataset 2021.06 emotional. Zenodo, 2021, "
        "doi:10.5281/zenodo.5525023."
    ),
    licence="CC0 1.0",
    home_page="https://www.openslr.org/110/",
    sampling_rate_hz=22_050,
    language="German",
    codes=_STYLES,
    # 300 sentences × 8 styles; those who counted found one file of whispering fewer.
    expected_utterances=2400,
    expected_speakers=1,
    layout=f"a folder with the subfolders {', '.join(_STYLES)}, each with a file for each sentence",
    make_table=_table,
)
