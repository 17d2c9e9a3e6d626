"""SUBESCO, the SUST Bangla Emotional Speech Corpus.

A file name such as `F_02_MONIKA_S_1_NEUTRAL_5.wav` says: second woman (and her name), sentence 1, emotion,
fifth take. One name of the archive has a bracket too many: `F_02_MONIKA_S_2_SURPRISE_3].wav`.
"""

import re

from kser.corpora.recipe import Archive, Recipe, audio_files, table_from_names

_EMOTIONS = {
    "ANGRY": "anger",
    "DISGUST": "disgust",
    "FEAR": "fear",
    "HAPPY": "happiness",
    "NEUTRAL": "neutral",
    "SAD": "sadness",
    "SURPRISE": "surprise",
}
_NAME = re.compile(
    r"(?P<actor>(?P<gender>[FM])_(?:0[1-9]|10)_[A-Z]+)_S_(?P<sentence>[1-9]|10)_"
    rf"(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<take>[1-5])\]?"
)

RECIPE = Recipe(
    name="subesco",
    title="SUST Bangla Emotional Speech Corpus (SUBESCO)",
    short_title="SUBESCO",
    citation=(
        "S. Sultana, M. S. Rahman, M. R. Selim and M. Z. Iqbal: SUST Bangla Emotional Speech Corpus "
        "(SUBESCO): an audio-only emotional speech corpus for Bangla. PLoS ONE 16(4), 2021, e0250173."
    ),
    licence="CC BY 4.0",
    home_page="https://zenodo.org/records/4526477",
    # Some speakers have 44,100 Hz (F_01, M_01, M_02 among others, in EmoBox's list of rates).
    sampling_rate_hz=48_000,
    language="Bangla",
    codes=_EMOTIONS,
    expected_utterances=7000,
    expected_speakers=20,
    layout="a folder with files such as F_02_MONIKA_S_1_NEUTRAL_5.wav",
    make_table=lambda source: table_from_names(
        audio_files(source), _NAME, _EMOTIONS, "F_02_MONIKA_S_1_NEUTRAL_5.wav"
    ),
    archives=(
        # Size and checksum as projects that pin the Zenodo record state them.
        Archive(
            url="https://zenodo.org/records/4526477/files/SUBESCO.zip",
            size_bytes=1_664_512_929,
            checksum="md5:13d702cf944bf54d70d66bffc036ed7a",
        ),
    ),
)
