"""SAVEE, Surrey Audio-Visual Expressed Emotion.

A file such as `AudioData/DC/sa01.wav`, or `DC_sa01.wav` in copies without folders, says: speaker DC, emotion
sa (sadness), sentence 01 of that emotion. All speakers are men.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_MALE = {"gender": "male"}
_SPEAKERS = ("DC", "JE", "JK", "KL")
_EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
_SPOKEN = rf"(?P<emotion>{'|'.join(sorted(_EMOTIONS, reverse=True))})(?P<number>[0-9]{{2}})"
_NAME = re.compile(_SPOKEN)
_FLAT_NAME = re.compile(rf"(?P<actor>{'|'.join(_SPEAKERS)})_{_SPOKEN}")


def _table(source: Path) -> pd.DataFrame:
    root = source / "AudioData" if (source / "AudioData").is_dir() else source
    spoken = {speaker: files for speaker in _SPEAKERS if (files := audio_files(root / speaker))}
    if not spoken:
        return table_from_names(audio_files(root), _FLAT_NAME, _EMOTIONS, "DC_sa01.wav", lambda name: _MALE)
    tables = [
        table_from_names(files, _NAME, _EMOTIONS, "sa01.wav", lambda name: _MALE).assign(actor=speaker)
        for speaker, files in spoken.items()
    ]
    return pd.concat(tables, ignore_index=True)


RECIPE = Recipe(
    name="savee",
    title="Surrey Audio-Visual Expressed Emotion (SAVEE)",
    short_title="SAVEE",
    citation=(
        "S. Haq and P. J. B. Jackson: Multimodal emotion recognition. In: W. Wang (ed.): "
        "Machine Audition: Principles, Algorithms and Systems. IGI Global, 2010, pp. 398–423."
    ),
    licence="free for research, after registration with the authors",
    home_page="http://kahlan.eps.surrey.ac.uk/savee/",
    sampling_rate_hz=44_100,
    language="English",
    codes=_EMOTIONS,
    expected_utterances=480,
    expected_speakers=4,
    layout=(
        "a folder with the subfolders DC, JE, JK and KL (or AudioData with those) with files such as "
        "DC/sa01.wav, or a folder with files such as DC_sa01.wav"
    ),
    make_table=_table,
)
