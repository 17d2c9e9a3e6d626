"""Portuguese sentences and pseudosentences of Castro and Lima, for research on emotional prosody.

A file name such as `12sA_angry1.wav` says: sentence 12 (s; p: pseudosentence), speaker A, emotion, number 1.
"""

import re

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
_KINDS = {"s": "sentence", "p": "pseudosentence"}
_NAME = re.compile(
    rf"(?P<sentence>[0-9]+(?P<kind>[sp]))(?P<actor>[AB])_(?P<emotion>{'|'.join(_EMOTIONS)})(?P<clip>[0-9]+)"
)


def _row(name: dict[str, str]) -> dict[str, str]:
    return {"gender": "unknown", "sentence": name["sentence"], "kind": _KINDS[name["kind"]]}


RECIPE = Recipe(
    name="portuguese",
    title="Portuguese sentences and pseudosentences for research on emotional prosody",
    short_title="Portuguese (Castro and Lima)",
    citation=(
        "S. L. Castro and C. F. Lima: Recognizing emotions in spoken language: A validated set of "
        "Portuguese sentences and pseudosentences for research on emotional prosody. Behavior Research "
        "Methods 42(1), 2010, pp. 74–81."
    ),
    licence="supplement of the paper, for research",
    home_page="https://link.springer.com/article/10.3758/BRM.42.1.74",
    sampling_rate_hz=None,
    language="Portuguese",
    codes=_EMOTIONS,
    # 190 sentences and 178 pseudosentences.
    expected_utterances=368,
    expected_speakers=2,
    layout="a folder with files such as 12sA_angry1.wav",
    make_table=lambda source: table_from_names(
        audio_files(source), _NAME, _EMOTIONS, "12sA_angry1.wav", _row
    ),
)
