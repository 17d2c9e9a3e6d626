"""EMOVO, a corpus of acted emotional speech in Italian.

A file name such as `dis-f1-b1.wav` says: emotion (disgusto), speaker (first woman), sentence b1.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_GENDERS = {"f1": "female", "f2": "female", "f3": "female", "m1": "male", "m2": "male", "m3": "male"}
_EMOTIONS = {
    "rab": "anger",  # rabbia
    "dis": "disgust",  # disgusto
    "pau": "fear",  # paura
    "gio": "joy",  # gioia
    "neu": "neutrality",
    "tri": "sadness",  # tristezza
    "sor": "surprise",  # sorpresa
}
_NAME = re.compile(
    rf"(?P<emotion>{'|'.join(_EMOTIONS)})-(?P<actor>{'|'.join(_GENDERS)})-(?P<sentence>[bdln][0-9])"
)


def _table(source: Path) -> pd.DataFrame:
    files = [path for speaker in _GENDERS for path in audio_files(source / speaker)]
    return table_from_names(
        files, _NAME, _EMOTIONS, "dis-f1-b1.wav", lambda name: {"gender": _GENDERS[name["actor"]]}
    )


RECIPE = Recipe(
    name="emovo",
    title="EMOVO, an Italian emotional speech database",
    short_title="EMOVO",
    citation=(
        "G. Costantini, I. Iaderola, A. Paoloni and M. Todisco: "
        "EMOVO corpus: an Italian emotional speech database. LREC 2014, pp. 3501–3504."
    ),
    licence="offered by its authors for research, with the request to cite; see the paper",
    home_page="https://aclanthology.org/L14-1478/",
    sampling_rate_hz=48_000,
    language="Italian",
    codes=_EMOTIONS,
    expected_utterances=588,
    expected_speakers=6,
    layout="a folder with the subfolders f1, f2, f3, m1, m2, m3 with files such as f1/dis-f1-b1.wav",
    make_table=_table,
    verified=True,
)
