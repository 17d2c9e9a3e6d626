"""MSP-Podcast: labels as CSV and as JSON, unknown speakers, official partitions."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.corpora.recipes.published import read, refusal, tree

FIELDS = ["EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]
LABELS = {
    "MSP-PODCAST_0001_0008.wav": ["N", "2.2", "4.0", "2.6", "30", "Male", "Test1"],
    "MSP-PODCAST_0001_0028.wav": ["X", "3.5", "3.75", "3.0", "Unknown", "Unknown", "Train"],
    "MSP-PODCAST_0001_0029.wav": ["A", "5.9", "2.5", "5.1", "Unknown", "Female", "Train"],
    "MSP-PODCAST_0002_0001_02.wav": ["C", "3.0", "3.0", "4.0", "unknown", "Female", "Development"],
}
ROWS = [
    ["Audios/MSP-PODCAST_0001_0008.wav", "neutral", "30", "male", "Test1", "2.2", "4.0", "2.6"],
    [
        *("Audios/MSP-PODCAST_0001_0028.wav", "no agreement", "unknown_0001", "unknown", "Train"),
        *("3.5", "3.75", "3.0"),
    ],
    ["Audios/MSP-PODCAST_0001_0029.wav", "anger", "unknown_0001", "female", "Train", "5.9", "2.5", "5.1"],
    [
        *("Audios/MSP-PODCAST_0002_0001_02.wav", "contempt", "unknown_0002", "female", "Development"),
        *("3.0", "3.0", "4.0"),
    ],
]


def as_csv() -> str:
    text = io.StringIO()
    csv.writer(text).writerows([["FileName", *FIELDS], *([name, *row] for name, row in LABELS.items())])
    return text.getvalue()


def as_json(**changes: object) -> str:
    content = {name: dict(zip(FIELDS, row, strict=True)) | changes for name, row in LABELS.items()}
    return json.dumps(content)


def corpus(folder: Path, texts: dict[str, str]) -> Path:
    unlabelled = "MSP-PODCAST_test3_0001.wav"
    return tree(folder, [f"Audios/{name}" for name in (*LABELS, unlabelled)], texts)


@pytest.mark.parametrize(
    "texts",
    [
        {"Labels/labels_consensus.csv": as_csv()},
        {"Labels/labels_consensus.json": as_json()},
        {"Labels/labels_concensus.json": as_json()},
        {"Labels/labels_consensus.csv": as_csv(), "Labels/labels_consensus.json": "{}"},
    ],
    ids=["csv", "json", "release 1.8", "both"],
)
def test_labels(tmp_path: Path, texts: dict[str, str]) -> None:
    columns, rows = read("msp_podcast", corpus(tmp_path, texts))
    assert columns == [
        *("path", "class_id", "actor", "gender", "partition", "arousal", "valence", "dominance"),
    ]
    assert rows == ROWS


def test_numbers_in_json_are_text(tmp_path: Path) -> None:
    _, rows = read("msp_podcast", corpus(tmp_path, {"Labels/labels_consensus.json": as_json(EmoAct=2.25)}))
    assert [row[5] for row in rows] == ["2.25"] * 4


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"labels_consensus.csv": as_csv().replace("SpkrID", "Speaker")}, "the header lacks SpkrID"),
        (
            {"labels_consensus.csv": as_csv().replace(",C,", ",Z,")},
            "labels_consensus.csv: MSP-PODCAST_0002_0001_02.wav: EmoClass: 'Z' is not an emotion of the",
        ),
        ({"labels_consensus.csv": as_csv() + as_csv()}, "more than one row for MSP-PODCAST_0001_0008.wav, "),
        ({"labels_consensus.json": "[]"}, "labels_consensus.json: is not an object"),
        ({"labels_consensus.json": '{"a.wav": ["A"]}'}, "labels_consensus.json: a.wav: is not an object"),
        ({"labels_consensus.json": '{"a.wav": {"EmoClass": "A"}}'}, "a.wav: lacks EmoAct, EmoVal, EmoDom"),
        ({"labels_consensus.json": "{}"}, "labels_consensus.json: has no label for any of the 5 files in"),
    ],
)
def test_mistakes(tmp_path: Path, texts: dict[str, str], message: str) -> None:
    corpus(tmp_path, {f"Labels/{name}": text for name, text in texts.items()})
    assert message in refusal("msp_podcast", tmp_path)
