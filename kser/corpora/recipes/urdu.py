"""URDU, emotional utterances from Urdu talk shows.

A file name such as `SM5_F61_N089.wav` says: speaker SM5 (a man), his file 61 of this emotion, emotion N
(neutral), file 89 of all of the emotion.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}
_FOLDERS = ("Angry", "Happy", "Neutral", "Sad")
_NAME = re.compile(
    r"(?P<actor>S(?P<gender>[FM])[1-9][0-9]?)_F(?P<clip>[1-9][0-9]*)_"
    rf"(?P<emotion>[{''.join(_EMOTIONS)}])[0-9]{{2,4}}"
)


def _table(source: Path) -> pd.DataFrame:
    files = [path for folder in _FOLDERS for path in audio_files(source / folder)]
    return table_from_names(files, _NAME, _EMOTIONS, "SM5_F61_N089.wav")


RECIPE = Recipe(
    name="urdu",
    title="URDU dataset of emotional talk-show utterances",
    short_title="URDU",
    citation=(
        "S. Latif, A. Qayyum, M. Usman and J. Qadir: Cross lingual speech emotion recognition: Urdu vs. "
        "Western languages. International Conference on Frontiers of Information Technology 2018, pp. "
        "88–93."
    ),
    # The readme's words; copies elsewhere name MIT.
    licence="for research purposes only",
    home_page="https://github.com/siddiquelatif/URDU-Dataset",
    sampling_rate_hz=44_100,
    language="Urdu",
    codes=_EMOTIONS,
    expected_utterances=400,
    # Readme and paper say 38 (27 men, 11 women); the names in the repository have 29: SF1 to SF11 and 18 men
    # with numbers up to SM27, none of SM8 to SM16.
    expected_speakers=29,
    layout=f"a folder with the subfolders {', '.join(_FOLDERS)} with files such as Neutral/SM5_F61_N089.wav",
    make_table=_table,
)
