"""CASIA, the Chinese emotional speech corpus: the part that is passed around, four speakers.

A file such as `wangzhe/angry/201.wav` says: speaker, emotion, sentence 201 (the same 50 for all). Two of the
speakers are women; nothing published that could be found says which.
"""

import re

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_SPEAKERS = ("liuchanhg", "wangzhe", "zhaoquanyin", "ZhaoZuoxiang")
_EMOTIONS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
_PATH = re.compile(
    rf"(?P<actor>{'|'.join(_SPEAKERS)})/(?P<emotion>{'|'.join(_EMOTIONS)})/(?P<sentence>2[0-9]{{2}})"
)

RECIPE = Recipe(
    name="casia",
    title="CASIA Chinese emotional speech corpus",
    short_title="CASIA",
    citation=(
        "J. Tao, F. Liu, M. Zhang and H. Jia: Design of speech corpus for Mandarin text to speech. Blizzard "
        "Challenge Workshop 2008."
    ),
    licence="see the home page; the whole corpus is sold by its institute",
    home_page="https://aistudio.baidu.com/aistudio/datasetdetail/209512",
    sampling_rate_hz=16_000,
    language="Mandarin",
    codes=_EMOTIONS,
    expected_utterances=1200,
    expected_speakers=4,
    layout=f"a folder with the subfolders {', '.join(_SPEAKERS)} with files such as wangzhe/angry/201.wav",
    make_table=lambda source: table_from_names(
        audio_files_below(source),
        _PATH,
        _EMOTIONS,
        "wangzhe/angry/201.wav",
        lambda name: {"gender": "unknown"},
        below=source,
    ),
)
