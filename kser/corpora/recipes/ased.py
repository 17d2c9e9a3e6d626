"""ASED, the Amharic Speech Emotional Dataset.

A file such as `05Angry/a5-03-01-02-50.wav` says: emotion a and the number of its folder, sentence 03, first
repetition, gender 02 (male; 01 female), speaker 50.
"""

import re

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {"a": "anger", "f": "fear", "h": "happiness", "n": "neutral", "s": "sadness"}
_GENDERS = {"01": "female", "02": "male"}
_NAME = re.compile(
    rf"(?P<emotion>[{''.join(_EMOTIONS)}])[1-5]-(?P<sentence>0[1-7])-(?P<repetition>0[12])"
    r"-(?P<gender>0[12])-(?P<actor>[0-9]{2})"
)

RECIPE = Recipe(
    name="ased",
    title="Amharic Speech Emotional Dataset (ASED)",
    short_title="ASED",
    citation=(
        "E. A. Retta, E. Almekhlafi, R. Sutcliffe, M. Mhamed, H. Ali and J. Feng: A new Amharic speech "
        "emotion dataset and classification benchmark. ACM Transactions on Asian and Low-Resource Language "
        "Information Processing 22(1), 2023."
    ),
    licence="see the home page",
    home_page="https://github.com/wgwangang/ASED_V1",
    sampling_rate_hz=16_000,
    language="Amharic",
    codes=_EMOTIONS,
    expected_utterances=2474,
    expected_speakers=65,
    layout="a folder with the subfolders 01Neutral to 05Angry with files such as 05Angry/a5-03-01-02-50.wav",
    make_table=lambda source: table_from_names(
        [path for folder in sorted(source.glob("0[1-5]*")) for path in audio_files(folder)],
        _NAME,
        _EMOTIONS,
        "05Angry/a5-03-01-02-50.wav",
        lambda name: {"gender": _GENDERS[name["gender"]]},
    ),
)
