"""ESD: with the official parts as folders and without; languages and genders of the speakers."""

from pathlib import Path

from tests.corpora.recipes.published import read, refusal, tree


def test_official_parts(tmp_path: Path) -> None:
    files = ["0002/Angry/train/0002_000371.wav", "0011/Neutral/evaluation/0011_000001.wav"]
    files += ["0011/Surprise/test/0011_001750.wav", "0011/Surprise/train/0011_001401.wav"]
    tree(tmp_path, files, {"0011/0011.txt": "0011_000001\tA sentence.\tNeutral\n"})
    columns, rows = read("esd", tmp_path)
    assert columns == ["path", "class_id", "actor", "gender", "language", "sentence", "partition"]
    assert rows == [
        [files[0], "anger", "0002", "female", "Mandarin", "21", "train"],
        [files[1], "neutral", "0011", "male", "English", "1", "evaluation"],
        [files[2], "surprise", "0011", "male", "English", "350", "test"],
        [files[3], "surprise", "0011", "male", "English", "1", "train"],
    ]


def test_without_parts(tmp_path: Path) -> None:
    files = ["0010/Happy/0010_000701.wav", "0020/Sad/0020_001052.wav", "0015/Sad/0015_001052.wav"]
    assert read("esd", tree(tmp_path, files))[1] == [
        [files[0], "happiness", "0010", "male", "Mandarin", "1", "unassigned"],
        [files[2], "sadness", "0015", "female", "English", "2", "unassigned"],
        [files[1], "sadness", "0020", "male", "English", "2", "unassigned"],
    ]


def test_a_file_of_another_speaker_is_unexpected(tmp_path: Path) -> None:
    tree(tmp_path, ["0011/Angry/0011_000351.wav", "0011/Angry/0012_000352.wav"])
    message = refusal("esd", tmp_path)
    assert f"unexpected names: {tmp_path}/0011/Angry/0012_000352.wav; names are like 0011_" in message
