"""MEAD, the Multi-view Emotional Audio-visual Dataset: its sound.

A file such as `M003/audio/angry/level_3/001.m4a` says: speaker M003 (a man; W a woman), emotion, intensity 3,
number 1 of this emotion and intensity. M4A is read where the extra `av` is installed.
"""

import re

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_EMOTIONS = {
    "angry": "anger",
    "contempt": "contempt",
    "disgusted": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}
_PATH = re.compile(
    rf"(?P<actor>(?P<gender>[MW])[0-9]{{3}})/(?:audio/)?(?P<emotion>{'|'.join(_EMOTIONS)})"
    r"/level_(?P<intensity>[123])/(?P<clip>[0-9]{3})"
)

RECIPE = Recipe(
    name="mead",
    title="Multi-view Emotional Audio-visual Dataset (MEAD)",
    short_title="MEAD",
    citation=(
        "K. Wang, Q. Wu, L. Song, Z. Yang, W. Wu, C. Qian, R. He, Y. Qiao and C. C. Loy: MEAD: A "
        "large-scale audio-visual dataset for emotional talking-face generation. ECCV 2020, pp. 700–717."
    ),
    licence="by the terms of use at the home page",
    home_page="https://github.com/uniBruce/Mead",
    # Some files have 44,100 Hz, says EmoBox.
    sampling_rate_hz=48_000,
    language="English",
    codes=_EMOTIONS,
    # As EmoBox counts them.
    expected_utterances=31_729,
    expected_speakers=48,
    layout="a folder with subfolders such as M003 with files such as M003/audio/angry/level_3/001.m4a",
    make_table=lambda source: table_from_names(
        audio_files_below(source), _PATH, _EMOTIONS, "M003/audio/angry/level_3/001.m4a", below=source
    ),
)
