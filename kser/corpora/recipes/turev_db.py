"""TurEV-DB, the Turkish Emotion-Voice Database: six speakers say single words.

A file such as `Sound Source/Calm/1984_sk_eger.wav` says: emotion by its folder (and again by the letters sk),
speaker 1984, word. The repository holds spectrograms of the same recordings as well, which are no audio.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {"Angry": "anger", "Calm": "calm", "Happy": "happiness", "Sad": "sadness"}
_SPEAKERS = ("1157", "1234", "1358", "1984", "6783", "7895")
_PATH = re.compile(
    rf"(?P<emotion>{'|'.join(_EMOTIONS)})/(?P<actor>{'|'.join(_SPEAKERS)})_[a-z]+_(?P<word>[A-Za-z0-9]+)"
)


def _table(source: Path) -> pd.DataFrame:
    root = source / "Sound Source" if (source / "Sound Source").is_dir() else source
    files = [path for emotion in _EMOTIONS for path in audio_files_below(root / emotion)]
    return table_from_names(
        files, _PATH, _EMOTIONS, "Calm/1984_sk_eger.wav", lambda name: {"gender": "unknown"}, below=root
    )


RECIPE = Recipe(
    name="turev_db",
    title="Turkish Emotion-Voice Database (TurEV-DB)",
    short_title="TurEV-DB",
    citation=(
        "S. F. Canpolat, Z. Ormanoğlu and D. Zeyrek: Turkish Emotion Voice Database (TurEV-DB). SLTU and "
        "CCURL Workshop 2020, pp. 368–375."
    ),
    licence="CC BY-NC-ND 4.0",
    home_page="https://github.com/Xeonen/TurEV-DB",
    sampling_rate_hz=44_100,
    language="Turkish",
    codes=_EMOTIONS,
    # As EmoBox counts them.
    expected_utterances=1735,
    expected_speakers=6,
    layout=(
        "a folder with the subfolder Sound Source (or that folder itself) with files such as "
        "Calm/1984_sk_eger.wav"
    ),
    make_table=_table,
)
