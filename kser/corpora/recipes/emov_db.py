"""EmoV-DB, the Emotional Voices Database: four speakers of English read sentences of CMU Arctic.

A file such as `sam_Angry/anger_1-28_0011.wav`, or `sam/Angry/anger_1-28_0011.wav` in the sorted version,
says: speaker, emotion, block of the annotation, sentence 11. The folder of disgust is written in two ways.
"""

import re

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_GENDERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
_EMOTIONS = {
    "Amused": "amusement",
    "Angry": "anger",
    "Disgust": "disgust",
    "Disgusted": "disgust",
    "Neutral": "neutral",
    "Sleepy": "sleepiness",
}
_PATH = re.compile(
    rf"(?P<actor>{'|'.join(_GENDERS)})[_/](?P<emotion>{'|'.join(_EMOTIONS)})"
    r"/[A-Za-z]+_[0-9]+-[0-9]+_(?P<sentence>[0-9]{4})"
)

RECIPE = Recipe(
    name="emov_db",
    title="Emotional Voices Database (EmoV-DB)",
    short_title="EmoV-DB",
    citation=(
        "A. Adigwe, N. Tits, K. El Haddad, S. Ostadabbas and T. Dutoit: The Emotional Voices Database: "
        "Towards controlling the emotion dimension in voice generation systems. arXiv:1806.09514, 2018."
    ),
    licence="LICENSE.md of the home page",
    home_page="https://github.com/numediart/EmoV-DB",
    # Some files have 44,100 Hz, says EmoBox.
    sampling_rate_hz=16_000,
    language="English",
    codes=_EMOTIONS,
    # As EmoBox counts them; the numbers of the readme come to 6510 in another version.
    expected_utterances=6887,
    expected_speakers=4,
    layout=(
        "a folder with subfolders such as sam_Angry (or sam/Angry) with files such as anger_1-28_0011.wav"
    ),
    make_table=lambda source: table_from_names(
        audio_files_below(source),
        _PATH,
        _EMOTIONS,
        "sam_Angry/anger_1-28_0011.wav",
        lambda name: {"gender": _GENDERS[name["actor"]]},
        below=source,
    ),
)
