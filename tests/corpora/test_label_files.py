"""Label files of corpora: separators, encodings, what is missing."""

from pathlib import Path

import pytest

from kser.corpora.label_files import by_key, class_of, read_rows
from kser.errors import UserError

ROWS = [{"name": "a.wav", "words": "it’s, well"}, {"name": "b.wav", "words": ""}]


@pytest.mark.parametrize(
    "content",
    [
        'name,words\na.wav,"it’s, well"\nb.wav,\n'.encode(),
        'name,words\na.wav,"it\x92s, well"\nb.wav,\n'.encode(),
        'name,words\na.wav,"it’s, well"\nb.wav,\n'.encode("cp1252"),
        '\ufeffname ; words\r\n a.wav ; "it’s, well"\r\n;\r\n\r\nb.wav\r\n'.replace('; "', ';"').encode(),
        "name\twords\na.wav\tit’s, well\nb.wav\t\n".encode(),
    ],
    ids=["utf-8", "control characters", "windows", "semicolons", "tabs"],
)
def test_rows(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    assert read_rows(tmp_path / "labels.csv", ["name"]) == ROWS


def test_accents_of_windows_text_stay(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("name\nperché\n".encode("cp1252"))
    assert read_rows(tmp_path / "labels.csv", ["name"]) == [{"name": "perché"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the header lacks name; it has nothing"),
        ("file,words\n", "the header lacks name; it has file, words"),
        ('name,words\na.wav,"x"y\n', "row 2: "),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(UserError) as error:
        read_rows(path, ["name"])
    assert str(error.value).startswith(f"{path}: {message}")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"labels.csv: cannot be read: No such file"):
        read_rows(tmp_path / "labels.csv", [])


@pytest.mark.thorough
def test_by_key_and_class() -> None:
    assert by_key(ROWS, lambda row: row["name"], Path("l.csv")) == {"a.wav": ROWS[0], "b.wav": ROWS[1]}
    with pytest.raises(UserError, match=r"l\.csv: more than one row for a\.wav; keep one for each"):
        by_key([*ROWS, ROWS[0]], lambda row: row["name"], Path("l.csv"))
    assert class_of("A", {"A": "anger"}, "l.csv: a.wav") == "anger"
    with pytest.raises(UserError, match=r"l\.csv: a\.wav: 'B' is not an emotion of the corpus; it has A, C"):
        class_of("B", {"A": "anger", "C": "calm"}, "l.csv: a.wav")
