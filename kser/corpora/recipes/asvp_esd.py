"""ASVP-ESD: speech and other emotional sounds of many people, cut from films and the web.

A file name such as `03-01-09-01-06-36-02-02-01-39.wav` says: audio only, speech (02: other vocal sound),
emotion 09, intensity 01, statement 06, actor 36, age group 02, origin 02, language 01, and marks of similar
recordings. Actors with even numbers are men. After the preprocessing of EmoBox and nkululeko, which disagree
about the languages, so that their code is kept; and about emotion 13 (breath, others).
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {
    "01": "boredom",
    "02": "neutral",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
    "09": "excitement",
    "10": "pleasure",
    "11": "pain",
    "12": "disappointment",
    "13": "breath",
    "17": "unknown",
}
_CHANNELS = {"01": "speech", "02": "non-speech"}
_INTENSITIES = {"01": "normal", "02": "high"}
_AGE_GROUPS = {"01": "above 65", "02": "20 to 64", "03": "under 20", "04": "baby"}
_NAME = re.compile(
    rf"03-(?P<channel>0[12])-(?P<emotion>{'|'.join(_EMOTIONS)})-(?P<intensity>0[12])-(?P<sentence>[0-9]+)"
    r"-(?P<actor>[0-9]+)-(?P<age_group>0[1-4])-(?P<origin>[0-9]+)(?:-(?P<language_code>[0-9]+))?(?:-[0-9]+)*"
)


def _table(source: Path) -> pd.DataFrame:
    root = source / "Audio" if (source / "Audio").is_dir() else source
    files = [path for folder in sorted(root.glob("actor_*")) for path in audio_files_below(folder)]
    return table_from_names(files, _NAME, _EMOTIONS, "03-01-09-01-06-36-02-02-01-39.wav", _row)


def _row(name: dict[str, str]) -> dict[str, str]:
    return {
        "gender": "female" if int(name["actor"]) % 2 else "male",
        "channel": _CHANNELS[name["channel"]],
        "intensity": _INTENSITIES[name["intensity"]],
        "age_group": _AGE_GROUPS[name["age_group"]],
        "language_code": name["language_code"] or "",
    }


RECIPE = Recipe(
    name="asvp_esd",
    title="Audio, Speech and Vision Processing Lab Emotional Sound database (ASVP-ESD)",
    short_title="ASVP-ESD",
    citation=(
        "D. T. Touko Landry, Q. He and W. Xie: Audio, Speech and Vision Processing Lab Emotional Sound "
        "database (ASVP-ESD). Zenodo, 2022, doi:10.5281/zenodo.7132783."
    ),
    licence="see the home page; its authors ask to be cited",
    home_page="https://zenodo.org/records/7132783",
    sampling_rate_hz=16_000,
    language="several",
    codes=_EMOTIONS,
    # As EmoBox counts them.
    expected_utterances=13_964,
    expected_speakers=131,
    layout=(
        "a folder with the subfolder Audio (or that folder itself) with folders such as actor_36 with files "
        "such as 03-01-09-01-06-36-02-02-01-39.wav"
    ),
    make_table=_table,
)
