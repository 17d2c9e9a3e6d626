"""JVNV, Japanese emotional speech with verbal content and nonverbal expressions.

A file such as `F1/anger/regular/F1_anger_regular_01.wav` says: first woman, emotion, session regular (a given
nonverbal expression; free: one of the speaker's own), sentence 01.
"""

import re

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
}
_PATH = re.compile(
    rf"(?P<actor>(?P<gender>[FM])[12])/(?P<emotion>{'|'.join(_EMOTIONS)})/(?P<session>free|regular)"
    r"/(?P=actor)_(?P=emotion)_(?P=session)_(?P<sentence>[0-9]+)"
)

RECIPE = Recipe(
    name="jvnv",
    title="JVNV, a corpus of Japanese emotional speech with verbal content and nonverbal expressions",
    short_title="JVNV",
    citation=(
        "D. Xin, J. Jiang, S. Takamichi, Y. Saito, A. Aizawa and H. Saruwatari: JVNV: A corpus of Japanese "
        "emotional speech with verbal content and nonverbal expressions. arXiv:2310.06072, 2023."
    ),
    licence="see the home page",
    home_page="https://sites.google.com/site/shinnosuketakamichi/research-topics/jvnv_corpus",
    sampling_rate_hz=None,
    language="Japanese",
    codes=_EMOTIONS,
    expected_utterances=1615,
    expected_speakers=4,
    layout=(
        "a folder with the subfolders F1, F2, M1 and M2 with files such as "
        "F1/anger/regular/F1_anger_regular_01.wav"
    ),
    make_table=lambda source: table_from_names(
        audio_files_below(source), _PATH, _EMOTIONS, "F1/anger/regular/F1_anger_regular_01.wav", below=source
    ),
)
