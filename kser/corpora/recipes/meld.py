"""MELD, the Multimodal EmotionLines Dataset: utterances from the television series Friends.

The tables `train_sent_emo.csv`, `dev_sent_emo.csv` and `test_sent_emo.csv` say emotion, sentiment, speaker
and words of each utterance, which is published as a film such as `train_splits/dia0_utt0.mp4`. Audio that was
taken out of it and kept under the same name, beside it or instead of it, is preferred.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_rows
from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files, refuse_unexpected

_EMOTIONS = {name: name for name in ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")}
# Partition → its folder; the table or the folder may lie in a folder called like the partition.
_PARTITIONS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
# The six friends; for the other characters no gender is published.
_GENDERS = dict.fromkeys(("Chandler", "Joey", "Ross"), "male") | dict.fromkeys(
    ("Monica", "Phoebe", "Rachel"), "female"
)
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
_NAME = re.compile(r"dia(?P<dialogue>[0-9]+)_utt(?P<turn>[0-9]+)")
# Films that the test set holds without labels.
_WITHOUT_LABELS = re.compile(rf"final_videos_test{_NAME.pattern}")
_FILM_SUFFIXES = frozenset({".mp4"})


def _table(source: Path) -> pd.DataFrame:
    rows: list[Row] = []
    for partition, folder in _PARTITIONS.items():
        labels_path = _first(source, partition, f"{partition}_sent_emo.csv")
        recordings = _first(source, partition, folder)
        if labels_path and recordings:
            rows += _partition_rows(partition, labels_path, recordings)
    if not rows:
        raise NotTheCorpusError
    return pd.DataFrame(rows, dtype=str)


def _first(source: Path, partition: str, name: str) -> Path | None:
    candidates = (source / name, source / partition / name)
    return next((path for path in candidates if path.exists()), None)


def _partition_rows(partition: str, labels_path: Path, folder: Path) -> list[Row]:
    labels = by_key(
        read_rows(labels_path, _COLUMNS),
        lambda row: f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}",
        labels_path,
    )
    recordings = {path.stem: path for path in audio_files(folder, _FILM_SUFFIXES)}
    recordings |= {path.stem: path for path in audio_files(folder)}
    names = [name for name in recordings if not _WITHOUT_LABELS.fullmatch(name)]
    refuse_unexpected([recordings[name] for name in names if not _NAME.fullmatch(name)], "dia0_utt0.mp4")
    # A few published films have no labels, and one labelled utterance has no film (dia110_utt7 of dev).
    found = [(labels[name], recordings[name]) for name in labels if name in recordings]
    return [_row(partition, label, path, labels_path) for label, path in found]


def _row(partition: str, label: Row, path: Path, labels_path: Path) -> Row:
    speaker = label["Speaker"] or "unknown"
    return {
        "path": str(path.absolute()),
        "class_id": class_of(label["Emotion"].lower(), _EMOTIONS, f"{labels_path}: {path.stem}: Emotion"),
        "actor": speaker,
        "gender": _GENDERS.get(speaker, "unknown"),
        "partition": partition,
        "sentiment": label["Sentiment"].lower(),
        "dialogue": label["Dialogue_ID"],
        "turn": label["Utterance_ID"],
        "sentence": label["Utterance"],
    }


RECIPE = Recipe(
    name="meld",
    title="Multimodal EmotionLines Dataset (MELD)",
    short_title="MELD",
    citation=(
        "S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria and R. Mihalcea: "
        "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in Conversations. "
        "ACL 2019, pp. 527–536."
    ),
    licence="GPL-3.0 (labels); the films are parts of a television series, with the rights of its owners",
    home_page="https://affective-meld.github.io",
    sampling_rate_hz=48_000,
    language="English",
    codes=_EMOTIONS,
    # 13,708 are labelled (9989, 1109 and 2610); the film dia110_utt7 of dev was not published.
    expected_utterances=13_707,
    # Names in the column Speaker, as counted by later papers; the authors give 260, 47 and 100 for the three
    # partitions, which share the six friends.
    expected_speakers=304,
    layout=(
        "a folder with train_sent_emo.csv and the subfolder train_splits with files such as dia0_utt0.mp4 "
        "(or dia0_utt0.wav), with dev_sent_emo.csv and dev_splits_complete, with test_sent_emo.csv and "
        "output_repeated_splits_test"
    ),
    make_table=_table,
    folds="partition",
)
