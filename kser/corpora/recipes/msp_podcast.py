"""MSP-Podcast, natural emotional speech from podcasts: release 2.0, and earlier ones with consensus labels.

The labels are `Labels/labels_consensus.csv`, else `Labels/labels_consensus.json` with the same content:
emotion, activation, valence and dominance (1 to 7), speaker, gender and official partition of each file in
`Audios`. The labels of the partition Test3 are withheld: what has no label is passed over.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_rows
from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files
from kser.errors import UserError
from kser.files import read_json

_EMOTIONS = {
    "A": "anger",
    "C": "contempt",
    "D": "disgust",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "O": "other",
    "S": "sadness",
    "U": "surprise",
    "X": "no agreement",  # of the annotators
}
_FIELDS = ("EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
_AUDIO_FOLDERS = ("Audios", "Audio")
# Release 1.8 spells it with a c.
_LABEL_FILES = tuple(f"Labels/labels_{word}" for word in ("consensus", "concensus"))
_PODCAST = re.compile(r"MSP-PODCAST_(?P<podcast>[0-9]+)_.*")


def _table(source: Path) -> pd.DataFrame:
    files = [path for folder in _AUDIO_FOLDERS for path in audio_files(source / folder)]
    tables = [source / f"{stem}{suffix}" for suffix in (".csv", ".json") for stem in _LABEL_FILES]
    labels_path = next((path for path in tables if path.is_file()), None)
    if not files or labels_path is None:
        raise NotTheCorpusError
    labels = _labels_from_csv(labels_path) if labels_path.suffix == ".csv" else _labels_from_json(labels_path)
    rows = [_row(path, labels[path.name], labels_path) for path in files if path.name in labels]
    if not rows:
        raise UserError(f"{labels_path}: has no label for any of the {len(files)} files in {files[0].parent}")
    return pd.DataFrame(rows, dtype=str)


def _labels_from_csv(path: Path) -> dict[str, Row]:
    return by_key(read_rows(path, ["FileName", *_FIELDS]), lambda row: row["FileName"], path)


def _labels_from_json(path: Path) -> dict[str, Row]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not an object; expected file name → labels")
    for name, labels in content.items():
        if not isinstance(labels, dict):
            raise UserError(f"{path}: {name}: is not an object; expected {', '.join(_FIELDS)}")
        if missing := [field for field in _FIELDS if field not in labels]:
            raise UserError(f"{path}: {name}: lacks {', '.join(missing)}")
    return {
        name: {field: str(labels[field]).strip() for field in _FIELDS} for name, labels in content.items()
    }


def _row(path: Path, labels: Row, labels_path: Path) -> Row:
    return {
        "path": str(path.absolute()),
        "class_id": class_of(labels["EmoClass"], _EMOTIONS, f"{labels_path}: {path.name}: EmoClass"),
        "actor": _actor(path.stem, labels["SpkrID"]),
        "gender": labels["Gender"].lower() or "unknown",
        "partition": labels["Split_Set"] or "unassigned",
        "arousal": labels["EmoAct"],
        "valence": labels["EmoVal"],
        "dominance": labels["EmoDom"],
    }


def _actor(name: str, speaker: str) -> str:
    """The speaker; unknown ones by their podcast.

    Two turns of one podcast may well be of one person: held together, they cannot come apart in a split. That
    a speaker with a number is unknown elsewhere cannot be seen.
    """
    if speaker.lower() not in ("", "unknown"):
        return speaker
    podcast = _PODCAST.fullmatch(name)
    return f"unknown_{podcast['podcast'] if podcast else name}"


RECIPE = Recipe(
    name="msp_podcast",
    title="MSP-Podcast corpus, release 2.0",
    short_title="MSP-Podcast",
    citation=(
        "R. Lotfian and C. Busso: Building naturalistic emotionally balanced speech corpus by retrieving "
        "emotional speech from existing podcast recordings. "
        "IEEE Transactions on Affective Computing 10(4), 2019, pp. 471–483."
    ),
    licence="for academic research, by an agreement with the University of Texas at Dallas; others pay",
    home_page="https://lab-msp.com/MSP/MSP-Podcast.html",
    sampling_rate_hz=16_000,
    language="English",
    codes=_EMOTIONS,
    # Rows of labels_consensus.csv of release 2.0; with the turns of Test3, whose labels are withheld, the
    # paper (arXiv:2509.09791) counts 267,905. Release 1.12 has 207,136 turns.
    expected_utterances=264_705,
    # Those with a number.
    expected_speakers=3641,
    layout=(
        "a folder with the subfolder Audios with files such as MSP-PODCAST_0001_0008.wav, and with "
        "Labels/labels_consensus.csv or Labels/labels_consensus.json"
    ),
    make_table=_table,
    folds="partition",
)
