"""Emotions in Polish speech recordings: five young men say single words.

A file name such as `m1.a_nie_2.wav` says: speaker m1, emotion a (aggression), word "nie", second repetition.
"""

import re

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {"a": "anger", "n": "neutral", "s": "fear"}
_NAME = re.compile(
    rf"(?P<actor>m[1-5])\.(?P<emotion>[{''.join(_EMOTIONS)}])_(?P<word>nie|oddaj|podaj|stop|tak|trzymaj)"
    r"_(?P<repetition>[1-5])"
)

RECIPE = Recipe(
    name="polish",
    title="Emotions in Polish speech recordings",
    short_title="Emotions in Polish",
    citation=(
        "M. Mięsikowska and D. Świsulski: Emotions in Polish speech recordings. Gdańsk University of "
        "Technology, 2020, doi:10.34808/h46c-hb44."
    ),
    licence="see the home page",
    home_page="https://mostwiedzy.pl/en/open-research-data/emotions-in-polish-speech-recordings,11190523461146169-0",
    sampling_rate_hz=44_100,
    language="Polish",
    codes=_EMOTIONS,
    expected_utterances=450,
    expected_speakers=5,
    layout="a folder with files such as m1.a_nie_2.wav",
    make_table=lambda source: table_from_names(
        audio_files(source), _NAME, _EMOTIONS, "m1.a_nie_2.wav", lambda name: {"gender": "male"}
    ),
)
