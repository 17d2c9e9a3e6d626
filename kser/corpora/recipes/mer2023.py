"""MER2023, the first Multimodal Emotion Recognition challenge: utterances of Chinese films and series.

The tables `mer2023train/train-label.csv` and `test-labels/test1-label.csv` to `test3-label.csv` say name,
emotion and valence; the films are such as `mer2023train/train/sample_00002721.avi` and `test1/sample_….avi`,
those of test3 in `mer2023train/test3`. Sound that was taken out of a film and kept beside it is preferred.
Nothing says who speaks, so all are the one speaker "unknown": splits by speakers are refused, the official
parts serve.
"""

from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_rows
from kser.corpora.recipe import AUDIO_SUFFIXES, NotTheCorpusError, Recipe, audio_files

_EMOTIONS = {
    "angry": "anger",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
    "worried": "worry",
}
# Partition → its table and the folder of its films.
_PARTITIONS = {
    "train": ("mer2023train/train-label.csv", "mer2023train/train"),
    "test1": ("test-labels/test1-label.csv", "test1"),
    "test2": ("test-labels/test2-label.csv", "test2"),
    "test3": ("test-labels/test3-label.csv", "mer2023train/test3"),
}
_FILM_SUFFIXES = frozenset({".avi", ".mp4"})


def _table(source: Path) -> pd.DataFrame:
    rows = [
        row
        for partition, (labels, folder) in _PARTITIONS.items()
        if (source / labels).is_file()
        for row in _rows(partition, source / labels, source / folder)
    ]
    if not rows:
        raise NotTheCorpusError
    return pd.DataFrame(rows, dtype=str)


def _rows(partition: str, labels_path: Path, folder: Path) -> list[Row]:
    labels = by_key(read_rows(labels_path, ["name", "discrete"]), lambda row: row["name"], labels_path)
    recordings = {
        path.stem: path
        for suffixes in (_FILM_SUFFIXES, AUDIO_SUFFIXES)
        for path in audio_files(folder, suffixes)
    }
    return [
        {
            "path": str(recordings[name].absolute()),
            "class_id": class_of(label["discrete"], _EMOTIONS, f"{labels_path}: {name}: discrete"),
            "actor": "unknown",
            "gender": "unknown",
            "partition": partition,
            "valence": label.get("valence", ""),
        }
        for name, label in labels.items()
        if name in recordings
    ]


RECIPE = Recipe(
    name="mer2023",
    title="Multimodal Emotion Recognition challenge 2023 (MER2023)",
    short_title="MER2023",
    citation=(
        "Z. Lian, H. Sun, L. Sun, K. Chen, M. Xu, K. Wang, K. Xu, Y. He, Y. Li, J. Zhao, Y. Liu, B. Liu, J. "
        "Yi, M. Wang, E. Cambria, G. Zhao, B. W. Schuller and J. Tao: MER 2023: Multi-label learning, "
        "modality robustness, and semi-supervised learning. ACM Multimedia 2023, pp. 9610–9614."
    ),
    licence="for research, by an agreement with the organisers",
    home_page="http://www.merchallenge.cn/datasets",
    sampling_rate_hz=44_100,
    language="Mandarin",
    codes=_EMOTIONS,
    # The labelled ones, as EmoBox counts them.
    expected_utterances=5030,
    expected_speakers=1,
    speakers_note="the speakers are not published; all are 'unknown'",
    layout=(
        "a folder with mer2023train/train-label.csv and mer2023train/train with files such as "
        "sample_00002721.avi, and with test-labels and the folders of the tests"
    ),
    make_table=_table,
    folds="partition",
)
