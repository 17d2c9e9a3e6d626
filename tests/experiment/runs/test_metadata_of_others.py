"""Tables as other people and programs write them give the study that the table of kser's own gives."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from kser.corpora.metadata import read_metadata
from kser.errors import UserError
from kser.experiment.checking.input_checks import read_inputs
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import read_evaluation_csv
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.usable_rows import usable_rows
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.evaluated_models import write_corpus

COLUMNS = {"file": "path", "emotion": "class_id", "speaker": "actor", "sex": "gender"}
RATE = 16_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Metadata of 40 recordings as kser writes them."""
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def others(corpus: Path) -> Path:
    """The same as people write it: one recording of each speaker in other spellings."""
    table = pd.read_csv(corpus, dtype=str)
    odd = table.index % 4 == table.index // 4 % 4
    table["class_id"] = table["class_id"].where(~odd, table["class_id"].str.capitalize() + " ")
    table["actor"] = table["actor"].where(~odd, "0" + table["actor"])
    table["gender"] = table["gender"].where(~odd, table["gender"].map({"female": "W", "male": "m"}))
    table = table.rename(columns={new: old for old, new in COLUMNS.items()})
    path = corpus.with_name("others.csv")
    path.write_bytes(table.to_csv(sep=";", index=False).encode("utf-16"))
    return path


def run_of(folder: Path, metadata: Path, columns=None, **fields) -> Run:
    dataset = {"name": "s", "data_csv": str(metadata), "columns": columns or {}}
    path = write_experiment(folder, metadata, models=["log_mel"], training_dataset=dataset, **fields)
    (run,) = plan_runs(load_experiment(path))
    return run


def test_the_split_is_that_of_the_table_with_one_spelling(tmp_path, corpus, others) -> None:
    clean = load_run_data(run_of(tmp_path / "a", corpus))
    messy = load_run_data(run_of(tmp_path / "b", others, COLUMNS))
    assert messy.split_fingerprint == clean.split_fingerprint
    assert messy.labels == clean.labels
    assert messy.table["gender"].tolist() == clean.table["gender"].tolist()
    assert [*messy.renamed.values()] == clean.labels  # of each class a spelling was found
    speakers, genders = messy.notes
    assert speakers.startswith(f"{others}: actor: taken as one: '00' as '0'; '01' as '1'; '02' as '2'")
    assert genders == f"{others}: gender: taken as one: 'm' as 'male'; 'W' as 'female'"


def test_spellings_count_on_request(tmp_path, others) -> None:
    rows = usable_rows(run_of(tmp_path, others, COLUMNS, normalize_metadata=False))
    table = rows.tables["train"]
    assert (table["class_id"].nunique(), table["actor"].nunique(), table["gender"].nunique()) == (8, 20, 4)
    assert (rows.notes, rows.renamed) == ((), {})


def test_speakers_of_parts_in_files_of_their_own_are_known_by_any_spelling(tmp_path, corpus) -> None:
    table = pd.read_csv(corpus, dtype=str)
    table["path"] = [str(corpus.parent / name) for name in table["path"]]
    table[table["actor"] < "8"].to_csv(tmp_path / "train.csv", index=False)
    test = table[table["actor"] >= "8"].copy()
    test.loc[test.index[0], "actor"] = "03"
    test.to_csv(tmp_path / "test.csv", index=False)
    split = {"scheme": "fixed", "test_csv": str(tmp_path / "test.csv")}
    dataset = {"name": "s", "data_csv": str(tmp_path / "train.csv"), "split": split}
    for normalize in (False, True):
        path = write_experiment(
            tmp_path,
            corpus,
            models=["log_mel"],
            training_dataset=dataset,
            normalize_metadata=normalize,
        )
        (run,) = plan_runs(load_experiment(path))
        if normalize:
            with pytest.raises(UserError, match=r"train\.csv and .*test\.csv: .*\b3 "):
                load_run_data(run)
        else:
            assert "03" in set(load_run_data(run).rows("test")["actor"])


def test_a_corpus_without_genders_is_split(tmp_path, corpus) -> None:
    table = pd.read_csv(corpus, dtype=str).drop(columns="gender")
    table["path"] = [str(corpus.parent / name) for name in table["path"]]
    table.to_csv(tmp_path / "metadata.csv", index=False)
    data = load_run_data(run_of(tmp_path, tmp_path / "metadata.csv"))
    assert set(data.table["gender"]) == {"unknown"}
    assert len(set(data.parts)) == 3


def test_the_check_says_what_was_taken_for_what(tmp_path, corpus, others) -> None:
    fields = {"name": "others", "eval_csv_path": str(others), "columns": COLUMNS}
    path = write_experiment(tmp_path, corpus, models=["log_mel"], datasets=[fields])
    experiment = load_experiment(path)
    inputs = read_inputs(experiment, plan_runs(experiment))
    assert inputs.mistakes == []
    assert f"{others}: gender: taken as one: 'm' as 'male'; 'W' as 'female'" in inputs.notes
    classes = "Anger → anger, Happiness → happiness, Neutral → neutral, Sadness → sadness"
    assert f"{others}: classes by the model's names: {classes}" in inputs.notes


def test_a_test_set_of_unknown_classes_stops_training(tmp_path, corpus) -> None:
    table = pd.read_csv(corpus, dtype=str).assign(class_id=lambda table: table["class_id"].map(len))
    table["path"] = [str(corpus.parent / name) for name in table["path"]]
    table.to_csv(tmp_path / "numbers.csv", index=False)
    datasets = [{"name": "numbers", "eval_csv_path": str(tmp_path / "numbers.csv")}]
    path = write_experiment(tmp_path, corpus, models=["log_mel"], datasets=datasets)
    with pytest.raises(UserError, match=r"numbers\.csv: class_id: no utterance of a class that the model"):
        train_experiment(load_experiment(path))
    assert not (tmp_path / "runs").exists()


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(folder / "results/small/log_mel/seed_0/model/model.weights.h5") as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


@pytest.fixture(scope="module")
def segmented(tmp_path_factory, corpus) -> Path:
    """The corpus as audformat has it: all recordings of a speaker in one file, a row for each part."""
    folder = tmp_path_factory.mktemp("segmented")
    table = read_metadata(corpus)
    rows = []
    for speaker, own in table.groupby("actor", sort=False):
        sounds = [sf.read(path, dtype="int16")[0] for path in own["path"]]
        sf.write(folder / f"{speaker}.wav", np.concatenate(sounds), RATE)
        ends = np.cumsum([len(sound) for sound in sounds]) / RATE
        times = [pd.Timedelta(seconds=time) for time in [0.0, *ends]]
        for row, start, end in zip(own.to_dict("records"), times, times[1:], strict=False):
            rows.append((f"{speaker}.wav", start, end, row["class_id"], row["actor"], row["gender"]))
    header = ["file", "start", "end", "emotion", "speaker", "sex"]
    pd.DataFrame(rows, columns=header).to_csv(folder / "test.csv", index=False)
    return folder / "test.csv"


def sounds_known_to(run: Path) -> set[str]:
    """What the model of a run knows the recordings by that it was made with: the digests of their sound."""
    recordings = json.loads((run / "model" / "recordings.json").read_text())
    keys = [*recordings["train"], *recordings["validation"]]
    return {key for key in keys if key.startswith("sound:")}


def study_of(folder: Path, metadata: Path, columns: dict[str, str]):
    dataset = {"name": "s", "data_csv": str(metadata), "columns": columns}
    further = {"name": "further", "eval_csv_path": str(metadata), "columns": columns}
    path = write_experiment(
        folder,
        metadata,
        models=["log_mel"],
        training_dataset=dataset,
        datasets=[further],
        audio_cache=str(folder / "cache"),
    )
    return train_experiment(load_experiment(path))


@pytest.mark.thorough
def test_a_study_on_segments_is_that_on_the_files_cut_out(tmp_path, corpus, segmented) -> None:
    cut, parts = tmp_path / "cut", tmp_path / "parts"
    of_files, of_parts = study_of(cut, corpus, {}), study_of(parts, segmented, COLUMNS)
    expected, found = weights_of(cut), weights_of(parts)
    assert expected.keys() == found.keys()
    for name, weights in expected.items():
        np.testing.assert_array_equal(found[name], weights)
    assert of_parts.evaluation.results["uar"].tolist() == of_files.evaluation.results["uar"].tolist()

    run = parts / "results/small/log_mel/seed_0"
    tested = read_metadata(run / "split" / "test.csv")
    assert all(path.startswith(f"{segmented.parent}/") and "#t=" in path for path in tested["path"])
    sounds = sounds_known_to(run)
    assert len(sounds) == 40 - len(tested)
    assert sounds == sounds_known_to(cut / "results/small/log_mel/seed_0")  # a part and its copy are one
    report = json.loads((run / "evaluation" / "further" / "classification_report.json").read_text())
    assert sum(report["seen_in_training"].values()) == len(sounds)
    assert len([*(parts / "cache").rglob("*.waveform")]) == 40
    own, further = read_evaluation_csv(of_parts.evaluation_csv)
    assert (own.columns, json.loads(further.columns)) == ("", COLUMNS)
