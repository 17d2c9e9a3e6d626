"""JTES, Japanese Twitter-based Emotional Speech: a hundred speakers read posts.

A file such as `wav/f01/ang/f01_ang_01.wav` says: first woman, emotion, sentence 01 of the 50 of this emotion.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {"ang": "anger", "joy": "joy", "neu": "neutral", "sad": "sadness"}
_PATH = re.compile(
    rf"(?P<actor>(?P<gender>[fm])[0-9]{{2}})/(?P<emotion>{'|'.join(_EMOTIONS)})"
    r"/(?P=actor)_(?P=emotion)_(?P<sentence>[0-9]{2})"
)


def _table(source: Path) -> pd.DataFrame:
    root = source / "wav" if (source / "wav").is_dir() else source
    return table_from_names(audio_files_below(root), _PATH, _EMOTIONS, "f01/ang/f01_ang_01.wav", below=root)


RECIPE = Recipe(
    name="jtes",
    title="Japanese Twitter-based Emotional Speech (JTES)",
    short_title="JTES",
    citation=(
        "E. Takeishi, T. Nose, Y. Chiba and A. Ito: Construction and analysis of phonetically and "
        "prosodically balanced emotional speech database. O-COCOSDA 2016, pp. 16–21."
    ),
    licence="on request from its authors at Tohoku University",
    # It has no page of its own; this one says how others obtained it.
    home_page="https://github.com/felixbur/nkululeko/tree/main/data/jtes",
    sampling_rate_hz=None,
    language="Japanese",
    codes=_EMOTIONS,
    # 100 speakers × 4 emotions × 50 sentences.
    expected_utterances=20_000,
    expected_speakers=100,
    layout="a folder with the subfolder wav (or that folder) with files such as f01/ang/f01_ang_01.wav",
    make_table=_table,
)
