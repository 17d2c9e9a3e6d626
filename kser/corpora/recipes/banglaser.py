"""BanglaSER: 34 speakers say three sentences.

A file name such as `03-01-03-02-01-02-07.wav`, which follows RAVDESS, says: audio only, scripted, emotion 03
(angry), intensity 02 (strong), sentence 01, repetition 02, speaker 07 (odd male, even female).
"""

import re

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {"01": "happiness", "02": "sadness", "03": "anger", "04": "surprise", "05": "neutral"}
_INTENSITIES = {"01": "normal", "02": "strong"}
_PATH = re.compile(
    rf"[^/]+/03-01-(?P<emotion>{'|'.join(_EMOTIONS)})-(?P<intensity>0[12])-(?P<sentence>0[123])"
    r"-(?P<repetition>0[123])-(?P<actor>0[1-9]|[12][0-9]|3[0-4])"
)


def _row(name: dict[str, str]) -> dict[str, str]:
    gender = "male" if int(name["actor"]) % 2 else "female"
    return {"gender": gender, "intensity": _INTENSITIES[name["intensity"]]}


RECIPE = Recipe(
    name="banglaser",
    title="BanglaSER, a speech emotion recognition dataset for the Bangla language",
    short_title="BanglaSER",
    citation=(
        "R. K. Das, N. Islam, M. R. Ahmed, S. Islam, S. Shatabda and A. K. M. M. Islam: BanglaSER: A speech "
        "emotion recognition dataset for the Bangla language. Data in Brief 42, 2022, 108091."
    ),
    licence="CC BY 4.0",
    home_page="https://data.mendeley.com/datasets/t9h6p943xy/5",
    sampling_rate_hz=None,
    language="Bangla",
    codes=_EMOTIONS,
    expected_utterances=1467,
    expected_speakers=34,
    layout="a folder with a subfolder for each speaker with files such as 03-01-03-02-01-02-07.wav",
    make_table=lambda source: table_from_names(
        audio_files_below(source), _PATH, _EMOTIONS, "03-01-03-02-01-02-07.wav", _row, below=source
    ),
)
