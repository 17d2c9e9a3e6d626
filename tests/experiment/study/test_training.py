"""The whole path on one backend: train, evaluate, summarise."""

import json

import numpy as np
import pandas as pd
import pytest

from kser.corpora.metadata import read_metadata
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import COLUMNS, read_evaluation_csv
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.study.training import change_model

# What all of them share, a trained study, takes a minute or more.
pytestmark = pytest.mark.thorough


def test_training_writes_the_evaluation_csv(trained):
    _, evaluation_csv = trained
    assert evaluation_csv.stem.isdigit()
    table = pd.read_csv(evaluation_csv, sep="\t")
    assert tuple(table.columns) == COLUMNS
    assert table["model_name"].tolist() == ["log_mel", "log_mel", "wav2vec2", "wav2vec2"]
    assert set(table["dataset_name"]) == {"synthetic"}


def test_every_row_is_evaluated(trained):
    _, evaluation_csv = trained
    for row in read_evaluation_csv(evaluation_csv):
        report = json.loads((row.eval_out_path / "classification_report.json").read_text())
        predictions = pd.read_csv(row.eval_out_path / "predictions.csv")
        matrix = pd.read_csv(row.eval_out_path / "confusion_matrix.csv", index_col=0)
        test = read_metadata(row.test_csv)
        labels = ["anger", "happiness", "neutral", "sadness"]
        assert report["n"] == len(predictions) == len(test) == matrix.to_numpy().sum()
        assert list(matrix.columns) == list(matrix.index) == labels
        assert predictions["class_id"].tolist() == test["class_id"].tolist()
        probabilities = predictions[[f"p_{label}" for label in labels]]
        assert probabilities.sum(axis=1).to_numpy() == pytest.approx(1.0, abs=1e-4)
        assert [labels[i] for i in probabilities.to_numpy().argmax(axis=1)] == predictions[
            "predicted"
        ].tolist()
        recalls = [matrix.loc[c, c] / matrix.loc[c].sum() for c in labels]
        assert report["uar"] == pytest.approx(np.mean(recalls))
        assert (row.eval_out_path / "confusion_matrix.png").read_bytes()[:4] == b"\x89PNG"
        assert report["seen_in_training"] == {"train": 0, "validation": 0}


def test_no_speaker_is_in_two_parts(trained):
    _, evaluation_csv = trained
    for row in read_evaluation_csv(evaluation_csv):
        parts = [read_metadata(row.eval_csv_path / f"{part}.csv") for part in ("train", "validation", "test")]
        speakers = [set(part["actor"]) for part in parts]
        assert not speakers[0] & speakers[1]
        assert not speakers[0] & speakers[2]
        assert not speakers[1] & speakers[2]
        assert sum(map(len, parts)) == 40


def test_the_summary_is_over_seeds(trained):
    _, evaluation_csv = trained
    summary = pd.read_csv(evaluation_csv.parent / "summary" / evaluation_csv.stem / "summary.csv")
    assert summary[["model_name", "runs"]].to_numpy().tolist() == [["log_mel", 2], ["wav2vec2", 2]]
    reports = [
        json.loads((row.eval_out_path / "classification_report.json").read_text())
        for row in read_evaluation_csv(evaluation_csv)
        if row.model_name == "log_mel"
    ]
    uars = [report["uar"] for report in reports]
    assert summary["uar_mean"].iloc[0] == pytest.approx(np.mean(uars))
    assert summary["uar_sd"].iloc[0] == pytest.approx(np.std(uars, ddof=1))
    folder = evaluation_csv.parent / "summary" / evaluation_csv.stem
    assert "log_mel" in (folder / "summary.md").read_text()


def test_a_model_knows_where_it_comes_from(trained):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[1]
    provenance = load_provenance(row.model_path)
    split = json.loads((row.eval_csv_path / "split.json").read_text())
    assert provenance.seed == 1
    assert provenance.split_fingerprint == split["fingerprint"]
    assert provenance.model_config["name"] == "log_mel"
    by_sound = [key for key in provenance.recordings["train"] if key.startswith("sound:")]
    assert len(by_sound) == len(read_metadata(row.eval_csv_path / "train.csv"))
    assert len(provenance.recordings["train"]) == 2 * len(by_sound)  # by their bytes, too
    classifier = load_classifier(row.model_path)
    assert classifier.labels == ["anger", "happiness", "neutral", "sadness"]
    assert classifier.preprocessor.audio_converter.sampling_rate == provenance.audio["sampling_rate"] == 16000


def test_a_finished_run_leaves_its_log_and_no_states(trained):
    folder, _ = trained
    work = folder / "runs" / "small" / "log_mel" / "seed_0"
    assert sorted(path.name for path in work.iterdir()) == ["log.csv"]


def test_a_corpus_with_other_column_names_goes_all_the_way(tmp_path, small_corpus):
    table = pd.read_csv(small_corpus, dtype=str)
    table["path"] = [str(small_corpus.parent / path) for path in table["path"]]
    table = table.rename(columns={"path": "recording", "class_id": "emotion"})
    table.to_csv(tmp_path / "metadata.csv", index=False)
    path = write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"])
    model_file = tmp_path / "models" / "log_mel.json"
    changed = {"input_column": "recording", "output_column": "emotion", "number_of_training_epochs": 1}
    model_file.write_text(json.dumps(json.loads(model_file.read_text()) | changed))
    (row,) = read_evaluation_csv(train_experiment(load_experiment(path)).evaluation_csv)
    assert (row.eval_out_path / "classification_report.json").is_file()


def test_a_model_may_begin_as_one_that_is_trained_before_it(two_models):
    earlier = two_models.parent / "results" / "small" / "log_mel" / "seed_0" / "model"
    change_model(two_models, "wav2vec2", name="z", model_path_or_name=str(earlier), backbone_arguments={})
    (row,) = [
        row
        for row in read_evaluation_csv(train_experiment(load_experiment(two_models), [0]).evaluation_csv)
        if row.model_name == "z"
    ]
    assert row.model_path.is_dir()
