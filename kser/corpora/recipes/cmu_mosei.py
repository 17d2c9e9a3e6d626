"""CMU-MOSEI: sentences of YouTube monologues, as the recipe of ESPnet cuts and labels them.

`CMU_MOSEI_Labels.csv`, which that recipe makes from the published CMU_MOSEI_Labels.csd, has for each sentence
video (`file`), number (`index`), official part (`split`: 0, 1, 2) and main emotion (`label6`: 0 to 5, as the
preprocessing of nkululeko reads them). Sentences are cut to `Audio/Segmented_Audio/train/VIDEO_INDEX.wav`.
Sentences without an emotion are passed over. Who speaks is not published, so that the video stands for the
speaker: its sentences can never come apart in a split, but two videos of one person can.
"""

from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, read_rows
from kser.corpora.recipe import NotTheCorpusError, Recipe

_EMOTIONS = {
    "0": "happiness",
    "1": "sadness",
    "2": "anger",
    "3": "surprise",
    "4": "disgust",
    "5": "fear",
}
_PARTITIONS = {"0": "train", "1": "dev", "2": "test"}


def _table(source: Path) -> pd.DataFrame:
    labels_path, audio = source / "CMU_MOSEI_Labels.csv", source / "Audio" / "Segmented_Audio"
    if not labels_path.is_file() or not audio.is_dir():
        raise NotTheCorpusError
    labels = read_rows(labels_path, ["file", "index", "split", "label6"])
    rows = [row for label in labels if (row := _row(audio, label)) is not None]
    if not rows:
        raise NotTheCorpusError
    return pd.DataFrame(rows, dtype=str)


def _row(audio: Path, label: Row) -> Row | None:
    """The row of a sentence; `None` without an emotion, or where its recording is missing."""
    partition, emotion = (_whole(label[column]) for column in ("split", "label6"))
    path = audio / _PARTITIONS.get(partition, "") / f"{label['file']}_{label['index']}.wav"
    if emotion not in _EMOTIONS or partition not in _PARTITIONS or not path.is_file():
        return None
    return {
        "path": str(path.absolute()),
        "class_id": _EMOTIONS[emotion],
        "actor": label["file"],
        "gender": "unknown",
        "partition": _PARTITIONS[partition],
        "sentiment": label.get("label7", ""),
    }


def _whole(cell: str) -> str:
    """A whole number as text, also where a table that lacks some was written with decimals (2.0)."""
    return cell.removesuffix(".0")


RECIPE = Recipe(
    name="cmu_mosei",
    title="CMU Multimodal Opinion Sentiment and Emotion Intensity (CMU-MOSEI)",
    short_title="CMU-MOSEI",
    citation=(
        "A. Zadeh, P. P. Liang, S. Poria, E. Cambria and L.-P. Morency: Multimodal language analysis in the "
        "wild: CMU-MOSEI dataset and interpretable dynamic fusion graph. ACL 2018, pp. 2236–2246."
    ),
    licence="see the home page; the videos are their authors'",
    home_page="http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset/",
    sampling_rate_hz=16_000,
    language="English",
    codes=_EMOTIONS,
    # Sentences and videos as the paper counts them; those with an emotion are fewer.
    expected_utterances=23_453,
    expected_speakers=3228,
    layout=(
        "a folder with CMU_MOSEI_Labels.csv and Audio/Segmented_Audio with the subfolders train, dev and "
        "test, as ESPnet's recipe makes them"
    ),
    make_table=_table,
    folds="partition",
)
