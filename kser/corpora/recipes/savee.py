"""SAVEE, Surrey Audio-Visual Expressed Emotion.

A file such as `AudioData/DC/sa01.wav`, or `DC_sa01.wav` in copies without folders, says: speaker DC, emotion
sa (sadness), sentence 01 of that emotion. All speakers are men.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.emotions import CODES
from kser.corpora.recipe import Recipe, audio_files, table_from_names

_SPEAKERS = ("DC", "JE", "JK", "KL")
_EMOTIONS = CODES["savee"]
_SPOKEN = rf"(?P<emotion>{'|'.join(sorted(_EMOTIONS, reverse=True))})(?P<number>[0-9]{{2}})"
_NAME = re.compile(_SPOKEN)
_FLAT_NAME = re.compile(rf"(?P<actor>{'|'.join(_SPEAKERS)})_{_SPOKEN}")
_LAYOUT = (
    "a folder with the subfolders DC, JE, JK and KL (or AudioData with those) with files such as "
    "DC/sa01.wav, or a folder with files such as DC_sa01.wav"
)


def _read(source: Path) -> pd.DataFrame:
    not_the_corpus = f"{source}: does not look like SAVEE, which is {_LAYOUT}"
    root = source / "AudioData" if (source / "AudioData").is_dir() else source
    spoken = {speaker: files for speaker in _SPEAKERS if (files := audio_files(root / speaker))}
    if not spoken:
        return table_from_names(
            audio_files(root),
            _FLAT_NAME,
            lambda name: _row(name["actor"], name),
            not_the_corpus=not_the_corpus,
            example="DC_sa01.wav",
        )
    tables = [
        table_from_names(
            files,
            _NAME,
            lambda name, speaker=speaker: _row(speaker, name),  # type: ignore[misc]
            not_the_corpus=not_the_corpus,
            example="sa01.wav",
        )
        for speaker, files in spoken.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _row(speaker: str, name: dict[str, str]) -> dict[str, str]:
    return {
        "class_id": _EMOTIONS[name["emotion"]],
        "actor": speaker,
        "gender": "male",
        "number": name["number"],
    }


RECIPE = Recipe(
    name="savee",
    title="Surrey Audio-Visual Expressed Emotion (SAVEE)",
    citation=(
        "S. Haq and P. J. B. Jackson: Multimodal emotion recognition. In: W. Wang (ed.): "
        "Machine Audition: Principles, Algorithms and Systems. IGI Global, 2010, pp. 398–423."
    ),
    licence="free for research, after registration with the authors",
    home_page="http://kahlan.eps.surrey.ac.uk/savee/",
    sampling_rate_hz=44_100,
    language="English",
    classes=tuple(sorted(_EMOTIONS.values())),
    expected_utterances=480,
    expected_speakers=4,
    layout=_LAYOUT,
    read=_read,
)
