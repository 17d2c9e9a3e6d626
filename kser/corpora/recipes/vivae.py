"""VIVAE, Variably Intense Vocalizations of Affect and Emotion: no speech, but cries, moans, laughter.

A file such as `full_set/S01_achievement_low_01.wav` says: speaker S01, emotion, intensity, item 01. The
folder `core_set` holds a part of the same recordings and is not read.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "achievement": "achievement",
    "anger": "anger",
    "fear": "fear",
    "pain": "pain",
    "pleasure": "pleasure",
    "surprise": "surprise",
}
_NAME = re.compile(
    rf"(?P<actor>S[01][0-9])_(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<intensity>low|moderate|strong|peak)"
    r"_(?P<clip>[0-9]{2})"
)


def _table(source: Path) -> pd.DataFrame:
    files = audio_files(source / "full_set" if (source / "full_set").is_dir() else source)
    return table_from_names(
        files, _NAME, _EMOTIONS, "S01_achievement_low_01.wav", lambda name: {"gender": "unknown"}
    )


RECIPE = Recipe(
    name="vivae",
    title="Variably Intense Vocalizations of Affect and Emotion (VIVAE)",
    short_title="VIVAE",
    citation=(
        "N. Holz, P. Larrouy-Maestri and D. Poeppel: The Variably Intense Vocalizations of Affect and "
        "Emotion (VIVAE) corpus prompts new perspective on nonspeech perception. Emotion 22(1), 2022, pp. "
        "213–225."
    ),
    licence="CC BY-NC-SA 4.0",
    home_page="https://zenodo.org/records/4066235",
    sampling_rate_hz=None,
    language="none (vocalisations)",
    codes=_EMOTIONS,
    expected_utterances=1085,
    expected_speakers=11,
    layout=(
        "a folder with the subfolder full_set (or that folder itself) with files such as "
        "S01_achievement_low_01.wav"
    ),
    make_table=_table,
)
