"""ESD, the Emotional Speech Database of English and Mandarin.

A file such as `0011/Angry/train/0011_000371.wav` says: speaker 0011, emotion Angry, official part train,
number 371. Copies without the parts (`0011/Angry/0011_000371.wav`) are read as well. Each speaker says the
same 350 sentences of the language in every emotion, numbered through: 1 to 350 Neutral, 351 to 700 Angry, and
so on.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files, facts_in_names

# As the corpus's ReadMe says.
_MEN = frozenset({"0004", "0005", "0006", "0008", "0010", "0011", "0012", "0013", "0014", "0020"})
_SPEAKERS = tuple(f"{number:04}" for number in range(1, 21))
_EMOTIONS = {
    "Angry": "anger",
    "Happy": "happiness",
    "Neutral": "neutral",
    "Sad": "sadness",
    "Surprise": "surprise",
}
_PARTS = ("evaluation", "test", "train")
_SENTENCES_PER_EMOTION = 350


def _table(source: Path) -> pd.DataFrame:
    rows = [
        row
        for speaker in _SPEAKERS
        for emotion in _EMOTIONS
        for part in ("", *_PARTS)
        if (files := audio_files(source / speaker / emotion / part))
        for row in _rows(files, speaker, emotion, part or "unassigned")
    ]
    if not rows:
        raise NotTheCorpusError
    return pd.DataFrame(rows, dtype=str)


def _rows(files: list[Path], speaker: str, emotion: str, part: str) -> list[dict[str, str]]:
    facts = facts_in_names(files, re.compile(rf"{speaker}_(?P<number>[0-9]{{6}})"), f"{speaker}_000371.wav")
    return [
        {
            "path": str(path.absolute()),
            "class_id": _EMOTIONS[emotion],
            "actor": speaker,
            "gender": "male" if speaker in _MEN else "female",
            "language": "Mandarin" if speaker <= "0010" else "English",
            "sentence": str((int(name["number"]) - 1) % _SENTENCES_PER_EMOTION + 1),
            "partition": part,
        }
        for path, name in facts.items()
    ]


RECIPE = Recipe(
    name="esd",
    title="Emotional Speech Database (ESD)",
    short_title="ESD",
    citation=(
        "K. Zhou, B. Sisman, R. Liu and H. Li: Emotional voice conversion: Theory, databases and ESD. "
        "Speech Communication 137, 2022, pp. 1–18."
    ),
    licence="for research only, with the request to cite; a licence form is signed to obtain it",
    home_page="https://hltsingapore.github.io/ESD/",
    sampling_rate_hz=16_000,
    language="English and Mandarin",
    codes=_EMOTIONS,
    expected_utterances=35_000,
    expected_speakers=20,
    layout=(
        "a folder with the subfolders 0001 to 0020 with files such as 0011/Angry/0011_000371.wav or "
        "0011/Angry/train/0011_000371.wav"
    ),
    make_table=_table,
    folds="partition",
)
