"""MESD, the Mexican Emotional Speech Database: single words.

A file name such as `Anger_C_A_basta_ya.wav` says: emotion, voice C (a child), word list A, word.

Who speaks is nowhere published, only the kind of voice. So the voice stands for the speaker in the column
`actor`: several people share it, and none of them has two. Whatever keeps actors apart keeps speakers apart
too, but there are only three actors, and a split by them tests on women what children and men taught.
Anything finer, a random split for instance, has the same people on both sides.
"""

import re

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_VOICES = {"C": "child", "F": "female", "M": "male"}
_GENDERS = {"C": "unknown", "F": "female", "M": "male"}
_EMOTIONS = {
    "Anger": "anger",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happiness": "happiness",
    "Neutral": "neutral",
    "Sadness": "sadness",
}
_NAME = re.compile(
    rf"(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<actor>[{''.join(_VOICES)}])_(?P<word_list>[AB])_(?P<word>.+)"
)


def _row(name: dict[str, str]) -> dict[str, str]:
    return {"actor": _VOICES[name["actor"]], "gender": _GENDERS[name["actor"]]}


RECIPE = Recipe(
    name="mesd",
    title="Mexican Emotional Speech Database (MESD)",
    short_title="MESD",
    citation=(
        "M. M. Duville, L. M. Alonso-Valerdi and D. I. Ibarra-Zarate: Mexican Emotional Speech Database "
        "based on semantic, frequency, familiarity, concreteness, and cultural shaping of affective "
        "prosody. Data 6(12), 2021, 130."
    ),
    licence="CC BY 4.0",
    home_page="https://data.mendeley.com/datasets/cy34mh68j9/5",
    sampling_rate_hz=48_000,
    language="Spanish (Mexico)",
    codes=_EMOTIONS,
    # Version 5. 6 emotions × 3 voices × 48 words make 864, which is what the paper says; those who counted
    # the files (EmoBox, audb) have 862.
    expected_utterances=862,
    # What the names tell apart: the voices. The people behind them are 3 women, 2 men and 6 children.
    expected_speakers=3,
    layout="a folder with files such as Anger_C_A_basta_ya.wav",
    make_table=lambda source: table_from_names(
        audio_files(source), _NAME, _EMOTIONS, "Anger_C_A_basta_ya.wav", _row
    ),
)
