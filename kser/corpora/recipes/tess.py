"""TESS, the Toronto emotional speech set.

A file name such as `OAF_back_ps.wav` says: speaker OAF (the older actress; YAF the younger), word "back" in
the phrase "Say the word …", emotion ps (pleasant surprise).
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "ps": "pleasant surprise",
    "sad": "sadness",
}
# OA: the published file OA_bite_neutral.wav, which lies in OAF_neutral and is the older actress's.
_ACTORS = {"OAF": "OAF", "YAF": "YAF", "OA": "OAF"}
_AGES = {"OAF": "64", "YAF": "26"}
_NAME = re.compile(
    rf"(?P<actor>{'|'.join(_ACTORS)})_(?P<sentence>[A-Za-z]+)_(?P<emotion>{'|'.join(_EMOTIONS)})"
)


def _table(source: Path) -> pd.DataFrame:
    # The folders are spelt in several ways (OAF_Fear, YAF_fear, OAF_Pleasant_surprise), the files in one.
    folders = sorted(path for path in source.glob("[OY]AF_*") if path.is_dir()) or [source]
    files = [path for folder in folders for path in audio_files(folder)]
    return table_from_names(files, _NAME, _EMOTIONS, "OAF_back_angry.wav", _row)


def _row(name: dict[str, str]) -> dict[str, str]:
    actor = _ACTORS[name["actor"]]
    return {"actor": actor, "gender": "female", "sentence": name["sentence"], "age": _AGES[actor]}


RECIPE = Recipe(
    name="tess",
    title="Toronto emotional speech set (TESS)",
    short_title="TESS",
    citation=(
        "M. K. Pichora-Fuller and K. Dupuis: Toronto emotional speech set (TESS). "
        "Borealis, 2020, doi:10.5683/SP2/E8H2MF."
    ),
    licence="CC BY-NC-ND 4.0",
    home_page="https://doi.org/10.5683/SP2/E8H2MF",
    sampling_rate_hz=24_414,
    language="English",
    codes=_EMOTIONS,
    expected_utterances=2800,
    expected_speakers=2,
    layout=(
        "a folder with subfolders such as OAF_angry and YAF_pleasant_surprised with files such as "
        "OAF_back_angry.wav, or a folder with those files"
    ),
    make_table=_table,
)
