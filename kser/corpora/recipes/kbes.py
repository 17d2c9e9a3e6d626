"""KBES, KUET Bangla Emotional Speech.

A file name begins like `4-2-0-…`: emotion 4 (angry), intensity 2 (high), gender 0 (female; 1 male). What its
further numbers mean is not documented where it could be found (the preprocessing of nkululeko, which this
follows, does not read them), so that speakers cannot be told apart: the gender stands for them in the column
`actor`, and a split by speakers, which needs three, is refused.
"""

import re

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {"1": "neutral", "2": "happiness", "3": "sadness", "4": "anger", "5": "disgust"}
_INTENSITIES = {"1": "low", "2": "high"}
_VOICES = {"0": "female", "1": "male"}
_NAME = re.compile(r"(?P<emotion>[1-5])-(?P<intensity>[12])-(?P<gender>[01])-(?P<clip>[0-9A-Za-z_-]+)")


def _row(name: dict[str, str]) -> dict[str, str]:
    voice = _VOICES[name["gender"]]
    return {"actor": voice, "gender": voice, "intensity": _INTENSITIES[name["intensity"]]}


RECIPE = Recipe(
    name="kbes",
    title="KUET Bangla Emotional Speech (KBES)",
    short_title="KBES",
    citation=(
        "M. M. Billah, M. L. Sarker and M. A. H. Akhand: KBES: A dataset for realistic Bangla speech "
        "emotion recognition with intensity level. Data in Brief 51, 2023, 109741."
    ),
    licence="CC BY 4.0",
    home_page="https://data.mendeley.com/datasets/vsn37ps3rx/4",
    sampling_rate_hz=None,
    language="Bangla",
    codes=_EMOTIONS,
    expected_utterances=900,
    expected_speakers=2,
    speakers_note="the genders stand for the 35 speakers, whom the names do not tell apart",
    layout="a folder with files such as 4-2-0-1-12.wav",
    make_table=lambda source: table_from_names(
        audio_files(source), _NAME, _EMOTIONS, "4-2-0-….wav (emotion, intensity, gender, …)", _row
    ),
)
