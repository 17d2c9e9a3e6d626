"""BAVED, the Basic Arabic Vocal Emotions Dataset: single words, at three levels of emotion.

A file such as `0/11-m-23-0-0-108.wav` says: word 0 by its folder, speaker 11, a man, 23 years old, word 0,
level 0 of emotion (low, as when tired; 1 neutral; 2 high, of whichever emotion), record 108. So its classes
are levels; what high emotion it is is nowhere said.
"""

import re

from kser.corpora.recipe import Recipe, audio_files_below, table_from_names

_LEVELS = {"0": "low", "1": "neutral", "2": "high"}
_PATH = re.compile(
    r"[0-6]/(?P<actor>[0-9]+)-(?P<gender>[mfMF])-(?P<age>[0-9]+)-(?P<word>[0-6])-(?P<emotion>[012])"
    r"-(?P<clip>[0-9]+)"
)

RECIPE = Recipe(
    name="baved",
    title="Basic Arabic Vocal Emotions Dataset (BAVED)",
    short_title="BAVED",
    citation="A. Aouf: Basic Arabic Vocal Emotions Dataset (BAVED). GitHub, 2019.",
    licence="see the home page",
    home_page="https://github.com/40uf411/Basic-Arabic-Vocal-Emotions-Dataset",
    sampling_rate_hz=16_000,
    language="Arabic",
    codes=_LEVELS,
    # As the readme says: 16 women and 45 men; the numbers of the speakers go beyond 61.
    expected_utterances=1935,
    expected_speakers=61,
    layout="a folder with the subfolders 0 to 6 with files such as 0/11-m-23-0-0-108.wav",
    make_table=lambda source: table_from_names(
        audio_files_below(source), _PATH, _LEVELS, "0/11-m-23-0-0-108.wav", below=source
    ),
)
