"""EMNS, the Emotive Narrative Storytelling corpus: one woman reads lines of stories.

`metadata.csv`, separated by vertical bars, has for each recording emotion, level of expression, words, a
description of how they are said, and the person (`user_id`). The recordings are such as
`cleaned_webm/recorded_audio_RF6OuQ4.webm`, which is read where the extra `av` is installed.
"""

import csv
import io
from pathlib import Path, PurePosixPath

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_label_text
from kser.corpora.recipe import AUDIO_SUFFIXES, NotTheCorpusError, Recipe, audio_files, refuse_unexpected
from kser.errors import UserError

_EMOTIONS = {
    "Angry": "anger",
    "Disgust": "disgust",
    "Excited": "excitement",
    "Happy": "happiness",
    "Neutral": "neutral",
    "Sad": "sadness",
    "Sarcastic": "sarcasm",
    "Surprised": "surprise",
}
_COLUMNS = ("utterance", "description", "emotion", "gender", "age", "level", "audio_recording", "user_id")


def _table(source: Path) -> pd.DataFrame:
    labels_path = source / "metadata.csv"
    files = [
        path
        for folder in ("cleaned_webm", "wavs")
        for path in audio_files(source / folder, AUDIO_SUFFIXES | {".webm"})
    ]
    if not files or not labels_path.is_file():
        raise NotTheCorpusError
    labels = by_key(
        _label_rows(labels_path), lambda row: PurePosixPath(row["audio_recording"]).stem, labels_path
    )
    refuse_unexpected([path for path in files if path.stem not in labels], "recorded_audio_RF6OuQ4.webm")
    rows = [_row(path, labels[path.stem], labels_path) for path in files if path.stem in labels]
    return pd.DataFrame(rows, dtype=str)


def _label_rows(labels_path: Path) -> list[Row]:
    reader = csv.DictReader(io.StringIO(read_label_text(labels_path)), delimiter="|", restval="")
    if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
        raise UserError(f"{labels_path}: the header, separated by |, lacks {', '.join(missing)}")
    return [{name: row[name].strip() for name in _COLUMNS} for row in reader]


def _row(path: Path, label: Row, labels_path: Path) -> Row:
    # EmoBox's lists have Surprise, which it says stands for Surprised.
    emotion = "Surprised" if label["emotion"] == "Surprise" else label["emotion"]
    return {
        "path": str(path.absolute()),
        "class_id": class_of(emotion, _EMOTIONS, f"{labels_path}: {path.name}: emotion"),
        "actor": label["user_id"],
        "gender": label["gender"].lower() or "unknown",
        "age": label["age"],
        "level": label["level"],
        "sentence": label["utterance"],
        "description": label["description"],
    }


RECIPE = Recipe(
    name="emns",
    title="Emotive Narrative Storytelling corpus (EMNS)",
    short_title="EMNS",
    citation=(
        "K. A. Noriy, X. Yang and J. J. Zhang: EMNS /Imz/ corpus: An emotive single-speaker dataset for "
        "narrative storytelling in games, television and graphic novels. arXiv:2305.13137, 2023."
    ),
    licence="Apache-2.0",
    home_page="https://www.openslr.org/136/",
    sampling_rate_hz=48_000,
    language="English",
    codes=_EMOTIONS,
    # As EmoBox counts them; the corpus was announced with 1206.
    expected_utterances=1181,
    expected_speakers=1,
    layout=(
        "a folder with metadata.csv and the subfolder cleaned_webm with files such as "
        "recorded_audio_RF6OuQ4.webm"
    ),
    make_table=_table,
)
