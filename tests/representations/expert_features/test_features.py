"""`kser.features` and the folders of `kser features`: what is in them, and how an interrupted one goes on."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import kser
from kser.corpora.metadata import read_recordings
from kser.errors import UserError
from kser.representations.expert_features.feature_set import FeatureSet, feature_set
from kser.representations.expert_features.features import features_to_folder
from kser.representations.expert_features.table import FeatureTable
from kser.serving import decoding
from tests.representations.expert_features.signals import RATE, noise, sawtooth

BAD, WHISPERED = 3, 5
needs_opensmile = pytest.mark.skipif(find_spec("opensmile") is None, reason="openSMILE is not installed")


def _mean_and_peak(waveform: np.ndarray) -> np.ndarray:
    if len(waveform) < 100:
        raise UserError("is too short")
    return np.array([waveform.mean(), np.abs(waveform).max(), np.inf])


SMALL = FeatureSet(
    name="small",
    version="1",
    source="a test",
    licence="none",
    groups={"levels": ["mean", "peak"], "others": ["never"]},
    measure=_mean_and_peak,
    sampling_rate=RATE,
    units={"peak": "full scale"},
)


@pytest.fixture
def metadata(tmp_path, monkeypatch) -> Path:
    """Ten short voices, one of them no audio and one without a voice, three in memory at a time."""
    monkeypatch.setattr(decoding, "MOST_RECORDINGS", 3)
    rows = []
    for place in range(10):
        rows.append({"path": f"{place}.wav", "class_id": "joy", "actor": f"0{place % 4}", "note": "=1+1"})
        voice = 0.1 * noise(0.3) if place == WHISPERED else sawtooth(110 + 20 * place, 0.3)
        soundfile.write(tmp_path / f"{place}.wav", voice, RATE)
    (tmp_path / f"{BAD}.wav").write_text("no audio")
    pd.DataFrame(rows).to_csv(tmp_path / "metadata.csv", index=False)
    return tmp_path / "metadata.csv"


def made(metadata: Path, folder: Path, chosen: FeatureSet = SMALL, **settings) -> FeatureTable:
    return features_to_folder(chosen, read_recordings(metadata), folder, source=str(metadata), **settings)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_folder_is_read_without_kser(metadata, tmp_path):
    chosen = feature_set("functionals")
    features = made(metadata, tmp_path / "made", chosen)
    facts = json.loads((tmp_path / "made" / "features.json").read_text())
    table = pd.read_csv(tmp_path / "made" / "features.csv")
    assert sorted(contents(tmp_path / "made")) == ["features.csv", "features.json", "passed_over.csv"]
    assert (facts["set"], facts["recordings"], facts["passed_over"]) == ("functionals", 9, 1)
    assert facts["data"] == str(metadata) and facts["units"]["level"] == "dBFS"
    columns = [column for columns in facts["groups"].values() for column in columns]
    assert list(table.columns) == ["path", "utterance", "class_id", "actor", "note", *columns]
    np.testing.assert_array_equal(table[columns].to_numpy(), features.table[columns].to_numpy())
    expected = [12 * np.log2((110 + 20 * place) / 27.5) for place in range(10) if place != BAD]
    expected[WHISPERED - 1] = np.nan
    np.testing.assert_allclose(table["pitch_mean"], expected, atol=0.1)
    assert list(features.table["note"]) == ["=1+1"] * 9 and features.table["actor"][1] == "01"
    assert "cannot be read as audio" in features.passed_over["reason"][0]


def test_the_table_is_that_of_the_function(metadata, tmp_path):
    features = made(metadata, tmp_path / "made", feature_set("functionals"))
    table, groups = kser.features(features.table[["path", "actor"]])
    assert groups == features.groups and list(table.columns[:2]) == ["path", "actor"]
    np.testing.assert_array_equal(table[features.columns], features.table[features.columns])
    waveform, rate = soundfile.read(tmp_path / "0.wav", dtype="float32")
    of_list, _ = kser.features([tmp_path / "0.wav", waveform, (waveform, rate)])
    for row in range(3):
        np.testing.assert_array_equal(of_list[features.columns].iloc[row], table[features.columns].iloc[0])


def test_mistakes_of_the_function(metadata):
    with pytest.raises(UserError, match=rf"{BAD}\.wav: cannot be read as audio"):
        kser.features(metadata)
    with pytest.raises(UserError, match="set: must be one of functionals, egemaps, compare, got mfcc"):
        kser.features(metadata, "mfcc")
    with pytest.raises(UserError, match="workers: must be at least 1, got 0"):
        kser.features(metadata, workers=0)


@pytest.mark.parametrize("chunks", [1, 2])
def test_an_interrupted_one_goes_on(metadata, tmp_path, chunks):
    whole = made(metadata, tmp_path / "whole")
    interrupt(metadata, tmp_path / "made", chunks)
    with (tmp_path / "made.partial" / "features.npy").open("ab") as file:
        file.write(b"half of a chunk")
    seen: list[int] = []
    made(metadata, tmp_path / "made", show=seen.append)
    assert list(dict.fromkeys(seen)) == list(range(3 * chunks + 1, 11))
    assert contents(whole.folder) == contents(tmp_path / "made")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "made."))]


def interrupt(metadata: Path, folder: Path, chunks: int) -> None:
    def stop(done: int) -> None:
        if done > 3 * chunks:  # of what is measured together all or nothing is kept
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(metadata, folder, show=stop)
    assert not folder.exists()


def test_what_cannot_be_told_is_an_empty_cell(metadata, tmp_path):
    soundfile.write(tmp_path / "1.wav", sawtooth(200, 0.3)[:50], RATE)
    features = made(metadata, tmp_path / "made")
    assert features.table["never"].isna().all() and features.table["peak"].notna().all()
    reasons = dict(zip(features.passed_over["path"], features.passed_over["reason"], strict=True))
    assert reasons[str(tmp_path / "1.wav")] == f"{tmp_path / '1.wav'}: is too short"


def test_another_set_or_other_recordings_are_refused(metadata, tmp_path):
    made(metadata, tmp_path / "made")
    before = contents(tmp_path / "made")
    with pytest.raises(UserError, match="made: holds expert features of another set, another version of the"):
        made(metadata, tmp_path / "made", feature_set("functionals"))
    os.utime(tmp_path / "0.wav", (0, 0))
    with pytest.raises(
        UserError, match="made: holds expert features of other recordings or metadata; remove"
    ):
        made(metadata, tmp_path / "made")
    with pytest.raises(UserError, match=f"{tmp_path}: is there already and holds no expert features"):
        made(metadata, tmp_path)
    assert contents(tmp_path / "made") == before


def test_two_at_once_do_not_write_one_folder(metadata, tmp_path):
    def second(done: int) -> None:
        with pytest.raises(UserError, match="made: is being written by process"):
            made(metadata, tmp_path / "made")

    assert len(made(metadata, tmp_path / "made", show=second).table) == 9


def test_a_column_of_a_features_name_is_refused(metadata, tmp_path):
    table = read_recordings(metadata).assign(peak="1")
    with pytest.raises(UserError, match="the metadata have a column peak, which is a feature's name"):
        features_to_folder(SMALL, table, tmp_path / "made")
    assert not list(tmp_path.glob("*made*"))


@pytest.mark.thorough
def test_processes_change_no_number(metadata, tmp_path):
    chosen = feature_set("functionals")
    alone = made(metadata, tmp_path / "alone", chosen)
    together = made(metadata, tmp_path / "together", chosen, workers=3)
    assert contents(alone.folder) == contents(together.folder)


@pytest.mark.parametrize("name", ["egemaps", "compare"])
def test_the_licence_of_opensmile_must_be_accepted(metadata, monkeypatch, name):
    monkeypatch.delenv("KSER_ACCEPT_OPENSMILE_LICENCE", raising=False)
    with pytest.raises(UserError, match=f"{name}: openSMILE is under the audEERING Research License"):
        kser.features(metadata, name)


@needs_opensmile
def test_egemaps_in_the_groups_of_its_paper(monkeypatch):
    monkeypatch.setenv("KSER_ACCEPT_OPENSMILE_LICENCE", "1")
    table, groups = kser.features([(sawtooth(220), RATE), (sawtooth(110), RATE)], "egemaps")
    assert {group: len(columns) for group, columns in groups.items()} == {
        "frequency": 24,
        "energy": 15,
        "spectral": 43,
        "temporal": 6,
    }
    np.testing.assert_allclose(table["F0semitoneFrom27.5Hz_sma3nz_amean"], [36, 24], atol=0.2)
    with pytest.raises(UserError, match="recording 1: is too short for openSMILE"):
        kser.features([(sawtooth(220)[:400], RATE)], "egemaps")


@needs_opensmile
def test_compare_by_its_descriptors():
    table, groups = kser.features([(sawtooth(220), RATE)], "compare", accept_licence=True)
    assert sum(map(len, groups.values())) == 6373 == len(set().union(*groups.values()))
    assert len(groups) == 27 and {"F0final", "jitterLocal", "logHNR", "mfcc", "audSpec_Rfilt"} <= {*groups}
    assert all("mfcc" in column for column in groups["mfcc"])
    assert np.isfinite(table[groups["mfcc"]].to_numpy()).all()
