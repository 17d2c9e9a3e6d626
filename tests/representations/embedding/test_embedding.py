"""`kser.embed` and the folders of `kser embed`: what is in them, and how an interrupted one goes on."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import kser
from kser.corpora.metadata import read_recordings
from kser.errors import UserError
from kser.representations.embedding.embedding import embed_to_store
from kser.representations.embedding.store import Store
from kser.representations.embedding.store_names import store_names
from kser.serving import decoding
from tests.experiment.evaluated_models import save_model

BAD = 3


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "model", "class")


@pytest.fixture
def metadata(tmp_path, monkeypatch) -> Path:
    """Twelve recordings, one of them no audio, three in memory at a time."""
    monkeypatch.setattr(decoding, "MOST_RECORDINGS", 3)
    rng = np.random.default_rng(0)
    rows = []
    for place in range(12):
        rows.append({"path": f"{place}.wav", "class_id": "joy", "actor": f"0{place % 4}", "note": "=1+1"})
        soundfile.write(tmp_path / f"{place}.wav", 0.1 * rng.normal(size=800 + 90 * place), 16_000)
    (tmp_path / f"{BAD}.wav").write_text("no audio")
    pd.DataFrame(rows).to_csv(tmp_path / "metadata.csv", index=False)
    return tmp_path / "metadata.csv"


def made(model: Path, metadata: Path, folder: Path, **settings) -> Store:
    return embed_to_store(model, read_recordings(metadata), folder, source=str(metadata), **settings)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_folder_is_read_without_kser(model, metadata, tmp_path):
    store = made(model, metadata, tmp_path / "store")
    facts = json.loads((tmp_path / "store" / "embeddings.json").read_text())
    index = pd.read_csv(tmp_path / "store" / "index.csv", dtype=str)
    assert facts["layers"] == [0, 1, 2] and facts["run"]["experiment"] == "study"
    assert (facts["recordings"], facts["passed_over"]) == (11, 1)
    assert list(index.columns) == ["path", "utterance", "class_id", "actor", "note"]
    assert list(index["utterance"]) == [f"{place}.wav" for place in range(12) if place != BAD]
    assert list(store.index["note"]) == ["=1+1"] * 11 and index["actor"][1] == "01"
    for layer, file in facts["files"].items():
        array = np.load(tmp_path / "store" / file, mmap_mode="r")
        assert array.shape == (11, facts["channels"][layer]) and array.dtype == np.float32
        np.testing.assert_array_equal(array, store.arrays[int(layer)])
    assert list(store.passed_over["path"]) == [str(tmp_path / f"{BAD}.wav")]
    assert "cannot be read as audio" in store.passed_over["reason"][0]


def test_the_arrays_are_those_of_the_function(model, metadata, tmp_path):
    store = made(model, metadata, tmp_path / "store")
    states, table = kser.embed(model, store.index, batch_size=3)
    waveform, rate = soundfile.read(tmp_path / "0.wav", dtype="float32")
    of_list, named = kser.embed(model, [tmp_path / "0.wav", waveform, (waveform, rate)])
    assert len(table) == 11
    for layer, array in store.arrays.items():
        np.testing.assert_allclose(array, states[layer], atol=1e-5)
        np.testing.assert_allclose(of_list[layer], np.tile(array[:1], (3, 1)), atol=1e-5)
    assert list(named["path"])[1:] == ["recording 2", "recording 3"]


def test_bad_recordings_of_the_function_are_named_line_by_line(model, metadata):
    with pytest.raises(UserError, match=f"{BAD}.wav: cannot be read as audio"):
        kser.embed(model, metadata)
    with pytest.raises(UserError, match="recordings: none given"):
        kser.embed(model, [])
    with pytest.raises(UserError, match="recordings: the table has no column path"):
        kser.embed(model, pd.DataFrame({"file": ["a.wav"]}))


@pytest.mark.parametrize("chunks", [1, 3])
def test_an_interrupted_one_goes_on(model, metadata, tmp_path, chunks):
    whole = made(model, metadata, tmp_path / "whole")
    interrupt(model, metadata, tmp_path / "store", chunks)
    with (tmp_path / "store.partial" / "layer_01.npy").open("ab") as file:
        file.write(b"half of a chunk")
    seen: list[float] = []
    made(model, metadata, tmp_path / "store", show=seen.append)
    assert 3 * chunks < seen[0] <= 3 * chunks + 3 and seen == sorted(seen) and seen[-1] == 12
    assert contents(whole.folder) == contents(tmp_path / "store")
    assert not (tmp_path / "store.partial").exists()


def interrupt(model: Path, metadata: Path, folder: Path, chunks: int, **settings) -> None:
    def stop(done: float) -> None:
        if done > 3 * chunks:  # of what is computed together all or nothing is kept
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(model, metadata, folder, show=stop, **settings)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("change", "said"), [("pool", "another pooling"), ("recordings", "other recordings or metadata")]
)
def test_one_that_was_begun_otherwise_is_begun_anew(model, metadata, tmp_path, change, said):
    interrupt(model, metadata, tmp_path / "store", 2, pool="max" if change == "pool" else "mean")
    if change == "recordings":
        os.utime(tmp_path / "0.wav", (0, 0))
    notes: list[str] = []
    seen: list[float] = []
    made(model, metadata, tmp_path / "store", say=notes.append, show=seen.append)
    assert notes == [f"{tmp_path}/store.partial: was begun with {said}; it is begun anew"]
    assert seen[0] <= 3


def test_a_damaged_one_is_begun_anew(model, metadata, tmp_path):
    interrupt(model, metadata, tmp_path / "store", 2)
    (tmp_path / "store.partial" / "layer_00.npy").write_bytes(b"")
    notes: list[str] = []
    made(model, metadata, tmp_path / "store", say=notes.append)
    assert notes == [f"{tmp_path}/store.partial: is damaged; it is begun anew"]


def test_a_finished_one_is_left_as_it_is_and_no_other_takes_its_place(model, metadata, tmp_path):
    before = contents(made(model, metadata, tmp_path / "store").folder)
    seen: list[int] = []
    assert len(made(model, metadata, tmp_path / "store", show=seen.append).passed_over) == 1
    assert not seen
    other = save_model(tmp_path / "other" / "model", "class", seed=1)
    for settings, said in (
        ({"model": other}, "another model"),
        ({"layers": [1]}, "other layers"),
        ({"dtype": "float16"}, "another dtype"),
    ):
        with pytest.raises(UserError, match=f"store: holds hidden states of {said}; remove it, or name"):
            made(**{"model": model, "metadata": metadata, "folder": tmp_path / "store", **settings})
    assert contents(tmp_path / "store") == before
    (tmp_path / "something").mkdir()
    (tmp_path / "something" / "else").touch()
    with pytest.raises(UserError, match="something: is there already and holds no hidden states"):
        made(model, metadata, tmp_path / "something")


def test_float16_takes_half_the_room(model, metadata, tmp_path):
    wide, narrow = (
        made(model, metadata, tmp_path / "32"),
        made(model, metadata, tmp_path / "16", dtype="float16"),
    )
    assert narrow.arrays[1].dtype == np.float16
    np.testing.assert_array_equal(narrow.arrays[1], wide.arrays[1].astype(np.float16))
    with pytest.raises(UserError, match="dtype: must be float32 or float16, got int8"):
        made(model, metadata, tmp_path / "8", dtype="int8")


def test_nothing_is_written_where_no_recording_can_be_used(model, metadata, tmp_path):
    pd.DataFrame({"path": [f"{BAD}.wav"]}).to_csv(metadata, index=False)
    with pytest.raises(UserError, match="store: not written: no recording can be used: "):
        made(model, metadata, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_folders_that_are_none(tmp_path, model, metadata):
    with pytest.raises(UserError, match=r"holds no hidden states \(no embeddings.json\)"):
        Store.at(tmp_path)
    store = made(model, metadata, tmp_path / "store")
    (store.folder / "layer_01.npy").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"layer_01.npy: cannot be read"):
        store.arrays  # noqa: B018
    shutil.rmtree(store.folder)


def test_stores_of_several_models_are_told_apart():
    paths = [f"/results/study/{name}/model" for name in ("wavlm/seed_0", "wavlm/seed_1", "hubert/seed_0")]
    assert store_names([Path(path) for path in paths[:2]]) == ["seed_0", "seed_1"]
    names = store_names([*map(Path, paths), Path("microsoft/wavlm-base")])
    assert names == ["wavlm__seed_0", "wavlm__seed_1", "hubert__seed_0", "microsoft__wavlm-base"]
    with pytest.raises(UserError, match="a model was given twice"):
        store_names([Path("a/b"), Path("a/b")])


def test_two_at_once_do_not_write_one_folder(model, metadata, tmp_path):
    refusals: list[str] = []

    def second(done: float) -> None:
        with pytest.raises(UserError, match=f"is being written by process {os.getpid()}") as refused:
            made(model, metadata, tmp_path / "store")
        refusals.append(str(refused.value))

    made(model, metadata, tmp_path / "store", show=second)
    assert refusals and not list(tmp_path.glob("*.lock")) + list(tmp_path.glob(".*.lock"))
