"""A good corpus passes `check --strict`; with any one fault planted in it, it does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from kser.audio.decoding import decode
from kser.cli import main
from kser.corpora.metadata import read_metadata
from tests.experiment.conftest import write_experiment

Change = Callable[[pd.DataFrame, Path], None]


def sound_of(table: pd.DataFrame, row: int) -> np.ndarray:
    return decode(table.loc[row, "path"]).samples[:, 0]


def with_sound(change: Callable[[np.ndarray], np.ndarray], name: str = "planted.wav") -> Change:
    """The first recording with another sound."""

    def plant(table: pd.DataFrame, folder: Path) -> None:
        sf.write(folder / name, change(sound_of(table, 0)), 16000, "FLOAT" if name.endswith("wav") else None)
        table.loc[0, "path"] = str(folder / name)

    return plant


def with_bytes(change: Callable[[bytes], bytes]) -> Change:
    """The first recording with another file."""

    def plant(table: pd.DataFrame, folder: Path) -> None:
        (folder / "planted.wav").write_bytes(change(Path(table.loc[0, "path"]).read_bytes()))
        table.loc[0, "path"] = str(folder / "planted.wav")

    return plant


def copy_of_another_speaker(table: pd.DataFrame, folder: Path) -> None:
    """The sound of one speaker as FLAC under another one's name."""
    other = table.index[table["actor"] != table.loc[0, "actor"]][0]
    sf.write(folder / "planted.flac", sound_of(table, 0), 16000)
    table.loc[other, "path"] = str(folder / "planted.flac")


def copies_in_every_part(table: pd.DataFrame, folder: Path) -> None:
    """One sound, lossily coded and fainter, for a recording of every speaker."""
    sound = sound_of(table, 0)
    for number, row in enumerate(table.drop_duplicates("actor").index[1:], 1):
        sf.write(folder / f"planted_{number}.mp3", 0.5 * sound[100 * number :], 16000)
        table.loc[row, "path"] = str(folder / f"planted_{number}.mp3")


def cell(column: str, value: str) -> Change:
    """The first recording with another value in a column."""

    def plant(table: pd.DataFrame, folder: Path) -> None:
        table.loc[0, column] = value

    return plant


def listed_twice(table: pd.DataFrame, folder: Path) -> None:
    table.loc[1, "path"] = table.loc[0, "path"]


def one_class_of_one_speaker(table: pd.DataFrame, folder: Path) -> None:
    table.loc[0, "class_id"] = "contempt"


def header_too_small(content: bytes) -> bytes:
    """The size of the sound, in a header of 44 bytes, as if there were 100 bytes of it."""
    return content[:40] + (100).to_bytes(4, "little") + content[44:]


FAULTS: dict[str, tuple[Change, str]] = {
    "silent": (with_sound(lambda sound: 0 * sound), "is silent"),
    "nearly silent": (with_sound(lambda sound: sound * 1e-4), "is nearly silent"),
    "not scaled": (with_sound(lambda sound: np.round(sound * 2**15)), "times full scale"),
    "cancelled": (with_sound(lambda sound: np.stack([sound, -sound], axis=1)), "planted.wav: "),
    "nearly cancelled": (with_sound(lambda sound: np.stack([sound, -0.95 * sound], axis=1)), "planted.wav: "),
    "clipped": (with_sound(lambda sound: np.clip(sound / np.abs(sound).max(), -0.3, 0.3)), "clip"),
    "offset": (with_sound(lambda sound: sound + 0.1), "planted.wav: "),
    "long": (with_sound(lambda sound: np.tile(sound, 100)[: 61 * 16000]), "times the usual length"),
    "too short": (with_sound(lambda sound: sound[5000:5020]), "is too short"),
    "not a number": (with_sound(lambda sound: np.append(sound, np.nan)), "NaN or infinite"),
    "cut short": (with_bytes(lambda content: content[:-1000]), "is cut short"),
    "header too small": (with_bytes(header_too_small), "its header announces 100 bytes"),
    "no audio": (with_bytes(lambda content: b"<html>not found</html>" * 9), "cannot be read as audio"),
    "empty file": (with_bytes(lambda content: b""), "is empty"),
    "missing file": (cell("path", "nowhere.wav"), "nowhere.wav"),
    "copy of another speaker": (copy_of_another_speaker, "the same recording with more than one actor"),
    "nearly the same in several parts": (copies_in_every_part, "maybe a LEAK"),
    "listed twice": (listed_twice, "listed more than once"),
    "speaker of two genders": (cell("gender", "male"), "as female and male"),
    "unknown gender word": (cell("gender", "tenor"), "as female and tenor"),
    "empty cell": (cell("class_id", ""), "empty cells: 'class_id' in row 2"),
    "class of one speaker": (one_class_of_one_speaker, "contempt"),
}


@pytest.fixture(scope="module")
def good(small_corpus) -> pd.DataFrame:
    return read_metadata(small_corpus).drop(columns="utterance")


def strict(folder: Path, table: pd.DataFrame, monkeypatch, capsys) -> tuple[int, str]:
    """Status and errors of `kser check --strict`."""
    table.to_csv(folder / "metadata.csv", index=False)
    path = write_experiment(folder, folder / "metadata.csv", models=["log_mel"])
    monkeypatch.setattr("sys.argv", ["kser", "check", str(path), "--strict"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0, capsys.readouterr().err


def test_a_good_corpus_passes(good, tmp_path, monkeypatch, capsys):
    assert strict(tmp_path, good.copy(), monkeypatch, capsys) == (0, "")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_does_not(good, tmp_path, monkeypatch, capsys, fault):
    plant, says = FAULTS[fault]
    table = good.copy()
    plant(table, tmp_path)
    assert not table.equals(good)
    status, said = strict(tmp_path, table, monkeypatch, capsys)
    assert status == 2 and says in said, said
    assert all(line.startswith("kser: ") for line in said.splitlines())
