"""Oréau, a French emotional speech database.

A file such as `OréauFR_02/f/sessj/10a02Ja.wav` says: version 02, a woman, speaker 10, sentence a02, emotion J
(joie), take a. Of the two versions that the archive holds the second is read.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {
    "C": "anger",  # colère
    "D": "disgust",  # dégoût
    "J": "happiness",  # joie
    "N": "neutral",
    "P": "fear",  # peur
    "S": "surprise",
    "T": "sadness",  # tristesse
}
_PATH = re.compile(
    r"(?P<gender>[fm])/sess[a-z]/(?P<actor>[0-9]{2})(?P<sentence>[a-z][0-9]{2})"
    rf"(?P<emotion>[{''.join(_EMOTIONS)}])(?P<take>[a-z])"
)


def _table(source: Path) -> pd.DataFrame:
    # With the accent in one character or in two, or spoilt by an archiver.
    root = next(iter(sorted(source.glob("Or*auFR_02"))), source)
    return table_from_names(
        audio_files_below(root), _PATH, _EMOTIONS, "OréauFR_02/f/sessj/10a02Ja.wav", below=root
    )


RECIPE = Recipe(
    name="oreau",
    title="French emotional speech database Oréau",
    short_title="Oréau",
    citation=(
        "L. Kerkeni, C. Cleder, Y. Serrestou and K. Raoof: French emotional speech database – Oréau. "
        "Zenodo, 2020, doi:10.5281/zenodo.4405783."
    ),
    licence="CC BY 4.0",
    home_page="https://zenodo.org/records/4405783",
    sampling_rate_hz=44_100,
    language="French",
    codes=_EMOTIONS,
    # As EmoBox counts them.
    expected_utterances=434,
    expected_speakers=32,
    layout=(
        "a folder with the subfolder OréauFR_02 (or that folder itself) with files such as "
        "f/sessj/10a02Ja.wav"
    ),
    make_table=_table,
)
