"""Emozionalmente: everything is said by the tables in `metadata`."""

from pathlib import Path

import pytest

from tests.corpora.recipes.published import read, refusal, tree

USERS = (
    "username,age,gender,mother_tongue\n"
    "anna,31,female,italian\nbruno,57,male,italian\nchris,22,Other,german\nlistener,40,male,italian\n"
)
SAMPLES = (
    "file_name,actor,emotion_expressed,sentence\n"
    '1.wav,anna,joy,"La cascata, fa molto rumore"\n2.wav,chris,neutrality,Gli operai si alzano presto\n'
    "3.wav,bruno,fear,Gli operai si alzano presto\n"
)
EVALUATIONS = (
    "file_name,evaluator,emotion_recognized,quality\n"
    "1.wav,e1,joy,good\n1.wav,e2,joy,good\n1.wav,e3,surprise,bad\n2.wav,e1,neutrality,good\n"
)
PARTS = {
    "metadata/split/train.csv": "file_name,emotion_expressed\n1.wav,joy\n3.wav,fear\n",
    "metadata/split/test.csv": "file_name,emotion_expressed\n2.wav,neutrality\n",
}
TABLES = {"metadata/users.csv": USERS, "metadata/samples.csv": SAMPLES}
RECORDINGS = ["audio/1.wav", "audio/2.wav", "audio/3.wav"]


def test_as_published(tmp_path: Path) -> None:
    tree(tmp_path, RECORDINGS, TABLES | PARTS | {"metadata/evaluations.csv": EVALUATIONS})
    columns, rows = read("emozionalmente", tmp_path)
    recognised = ["anger", "disgust", "fear", "joy", "neutrality", "sadness", "surprise"]
    assert columns == [
        *("path", "class_id", "actor", "gender", "age", "mother_tongue", "sentence", "partition"),
        *(f"recognised_{emotion}" for emotion in recognised),
    ]
    waterfall, workers = "La cascata, fa molto rumore", "Gli operai si alzano presto"
    assert rows == [
        ["audio/1.wav", "joy", "anna", "female", "31", "italian", waterfall, "train", *"0002001"],
        ["audio/2.wav", "neutrality", "chris", "other", "22", "german", workers, "test", *"0000100"],
        ["audio/3.wav", "fear", "bruno", "male", "57", "italian", workers, "train", *"0000000"],
    ]


def test_with_the_least_that_is_needed(tmp_path: Path) -> None:
    samples = "file_name,actor,emotion_expressed\n1.wav,anna,disgust\n2.wav,anna,sadness\n"
    users = "username,age,gender\nanna,31,\n"
    tree(tmp_path, ["audio/1.wav"], {"metadata/users.csv": users, "metadata/samples.csv": samples})
    assert read("emozionalmente", tmp_path)[1] == [
        ["audio/1.wav", "disgust", "anna", "unknown", "31", "", "", "unassigned"]
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"metadata/users.csv": "username,gender\nanna,female\n"},
            "users.csv: lacks the actors bruno, chris",
        ),
        (
            {"metadata/samples.csv": SAMPLES.replace("fear", "paura")},
            "samples.csv: 3.wav: emotion_expressed: 'paura' is not an emotion of the corpus; it has anger, ",
        ),
        ({"metadata/samples.csv": SAMPLES.replace("actor", "who")}, "samples.csv: the header lacks actor"),
        (
            {"metadata/samples.csv": SAMPLES + "1.wav,anna,fear,\n"},
            "samples.csv: more than one row for 1.wav",
        ),
        (
            {"metadata/split/dev.csv": "file_name\n1.wav\n"},
            "split/train.csv: 1.wav is in dev.csv as well; keep it in one",
        ),
    ],
)
def test_mistakes(tmp_path: Path, texts: dict[str, str], message: str) -> None:
    tree(tmp_path, RECORDINGS, TABLES | PARTS | texts)
    assert message in refusal("emozionalmente", tmp_path)


def test_a_recording_that_no_table_has(tmp_path: Path) -> None:
    tree(tmp_path, [*RECORDINGS, "audio/4.wav"], TABLES)
    message = refusal("emozionalmente", tmp_path)
    assert f"samples.csv: lacks 1 audio files: {tmp_path}/audio/4.wav" in message
