"""nEMO, a dataset of emotional speech in Polish.

A file such as `samples/EB0_anger_1.wav` says: speaker EB0, emotion, sentence 1 of the same 90. The genders
are those of `data.tsv`, which says the same of every file and has the sentences too.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_GENDERS = dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), "female") | dict.fromkeys(
    ("KS0", "MP0", "SM0", "TP0", "WR0"), "male"
)
_EMOTIONS = {
    "anger": "anger",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprised": "surprise",
}
_NAME = re.compile(
    rf"(?P<actor>{'|'.join(_GENDERS)})_(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<sentence>[1-9][0-9]?)"
)


def _table(source: Path) -> pd.DataFrame:
    files = audio_files(source / "samples" if (source / "samples").is_dir() else source)
    return table_from_names(
        files, _NAME, _EMOTIONS, "EB0_anger_1.wav", lambda name: {"gender": _GENDERS[name["actor"]]}
    )


RECIPE = Recipe(
    name="nemo",
    title="nEMO, a dataset of emotional speech in Polish",
    short_title="nEMO",
    citation=(
        "I. Christop: nEMO: Dataset of emotional speech in Polish. LREC-COLING 2024 (arXiv:2404.06292)."
    ),
    licence="CC BY-NC-SA 4.0",
    home_page="https://github.com/amu-cai/nEMO",
    sampling_rate_hz=None,
    language="Polish",
    codes=_EMOTIONS,
    expected_utterances=4481,
    expected_speakers=9,
    layout="a folder with the subfolder samples (or that folder itself) with files such as EB0_anger_1.wav",
    make_table=_table,
)
