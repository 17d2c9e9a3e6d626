"""EmoDB, the Berlin Database of Emotional Speech.

A file name such as `03a01Fa.wav` says: speaker 03, sentence a01, emotion F (Freude), version a.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_GENDERS = dict.fromkeys(("03", "10", "11", "12", "15"), "male") | dict.fromkeys(
    ("08", "09", "13", "14", "16"), "female"
)
_EMOTIONS = {
    "W": "anger",  # Wut
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "N": "neutral",
    "T": "sadness",  # Trauer
}
_NAME = re.compile(
    rf"(?P<actor>{'|'.join(sorted(_GENDERS))})(?P<sentence>[ab][0-9]{{2}})"
    rf"(?P<emotion>[{''.join(_EMOTIONS)}])(?P<version>[a-z])"
)


def _table(source: Path) -> pd.DataFrame:
    files = audio_files(source / "wav" if (source / "wav").is_dir() else source)
    return table_from_names(
        files, _NAME, _EMOTIONS, "03a01Fa.wav", lambda name: {"gender": _GENDERS[name["actor"]]}
    )


RECIPE = Recipe(
    name="emodb",
    title="Berlin Database of Emotional Speech (EmoDB)",
    short_title="EmoDB",
    citation=(
        "F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss: "
        "A database of German emotional speech. Interspeech 2005, pp. 1517–1520."
    ),
    licence="offered by its authors for free download, with the request to cite; see the home page",
    home_page="http://emodb.bilderbar.info",
    sampling_rate_hz=16_000,
    language="German",
    codes=_EMOTIONS,
    expected_utterances=535,
    expected_speakers=10,
    layout="a folder with the subfolder wav (or that folder itself) with files such as 03a01Fa.wav",
    make_table=_table,
    verified=True,
)
