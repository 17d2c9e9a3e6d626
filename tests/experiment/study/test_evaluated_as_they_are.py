"""Models that a study does not train: each seed evaluates what was published, or was trained before."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from kser.corpora.metadata import content_key
from kser.errors import UserError
from kser.evaluation.statistics.analysis import analyse
from kser.experiment.checking.study_check import check_study
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.evaluating.statistics_inputs import read_results
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.experiment.study.events import Note
from kser.experiment.study.study import train_experiment
from kser.models import EmotionClassifier
from kser.report.page import write_report
from tests.experiment.conftest import write_experiment
from tests.experiment.evaluated_models import published_classifier, write_corpus

# What all of them share, a trained study, takes a minute or more.
pytestmark = pytest.mark.thorough

AS_IT_IS = {"number_of_training_epochs": 0, "continue_model_training": True}
NOTHING = "number_of_training_epochs: 0: nothing is trained: {} is evaluated as it is"


def write_study(folder: Path, corpus: Path, model: Path, further=(), **fields) -> Path:
    """An experiment over `further` small models, which are trained, and one that is not, called "ready"."""
    path = write_experiment(folder, corpus, models=further, **fields)
    ready = {"name": "ready", "model_path_or_name": str(model), **AS_IT_IS}
    (folder / "models" / "ready.json").write_text(json.dumps(ready))
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return published_classifier(tmp_path_factory.mktemp("published") / "model")


@pytest.fixture(scope="module")
def study(tmp_path_factory, corpus, published):
    """A study of a published model beside one that is trained: its file, its result, its notes."""
    folder = tmp_path_factory.mktemp("study")
    path = write_study(
        folder,
        corpus,
        published,
        ["log_mel"],
        cross_validation=2,
        trim_db=40.0,
        datasets=[{"name": "all", "eval_csv_path": str(corpus)}],
    )
    notes = []
    result = train_experiment(
        load_experiment(path),
        progress=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
    )
    return path, result, notes


def rows_of(result, model: str):
    rows = result.evaluation.results
    return rows[rows["model_name"] == model]


def test_it_is_evaluated_on_each_seed_s_test_part_and_on_the_test_sets(study, published):
    path, result, notes = study
    rows = rows_of(result, "ready")
    assert [*zip(rows["seed"], rows["dataset_name"], strict=True)] == [
        (0, "synthetic"),
        (0, "all"),
        (1, "synthetic"),
        (1, "all"),
    ]
    ours = EmotionClassifier.from_preset(published)
    for seed in range(2):
        run = path.parent / "results" / "small" / "ready" / f"seed_{seed}"
        saved = load_classifier(run / "model")
        assert saved.labels == ours.labels
        assert saved.preprocessor.audio_converter.processing.trim_db is None
        for theirs, weight in zip(saved.weights, ours.weights, strict=True):
            np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (theirs, weight)))
        assert load_provenance(run / "model").recordings == {}
        report = json.loads((run / "evaluation" / "synthetic" / "classification_report.json").read_text())
        assert report["n"] == len(pd.read_csv(run / "split" / "test.csv"))
        assert report["labels_renamed"]["happiness"] == "hap"
    assert any("what the model was trained on is not known" in line for line in result.evaluation.warnings)
    said = NOTHING.format(published)
    assert f"{path.parent}/models/ready.json: {said}, without the experiment's trim_db" in notes


def test_it_stands_in_summary_statistics_and_report(study):
    path, result, _ = study
    assert set(result.evaluation.summary["model_name"]) == {"log_mel", "ready"}
    inputs = read_results(path.parent / "results" / "small", None, None)
    described = analyse(inputs.results, inputs.factors, "uar")
    assert "ready" in str(described)
    written, page = write_report(path.parent / "results" / "small")
    assert set(written.models) == {"log_mel", "ready"}
    assert not written.problems
    assert "ready" in page.read_text()


def test_a_second_start_passes_it_over(study):
    path, _, _ = study
    again = train_experiment(load_experiment(path))
    assert set(again.runs["status"]) == {"already trained"}
    assert again.runs["updates"].tolist()[2:] == [0, 0]


def test_a_model_that_kser_trained_knows_what_it_has_heard(study, tmp_path, corpus):
    trained = study[0].parent / "results" / "small" / "log_mel" / "seed_0" / "model"
    path = write_study(tmp_path, corpus, trained, cross_validation=2, run_grapher=True)
    check = check_study(load_experiment(path))
    assert check.ok
    assert check.models[0].state_bytes == 0
    assert [*check.plan["updates"]] == [*check.plan["evaluations"]] == [0, 0]
    result = train_experiment(load_experiment(path))
    model = load_provenance(tmp_path / "results" / "small" / "ready" / "seed_1" / "model")
    assert model.recordings == load_provenance(trained).recordings
    tested = pd.read_csv(tmp_path / "results" / "small" / "ready" / "seed_1" / "split" / "test.csv")
    heard = sum(content_key(path) in model.recordings["train"] for path in tested["path"])
    assert heard
    leak = f"LEAK: ready on synthetic, seed 1: {heard} of {len(tested)} recordings were in the model's train"
    assert f"{leak} part" in result.evaluation.warnings


def test_classes_that_only_one_side_knows_are_counted(tmp_path, corpus):
    model = published_classifier(tmp_path / "model", ("hap", "ang", "awe", "fear"))
    result = train_experiment(load_experiment(write_study(tmp_path, corpus, model)))
    (report,) = (tmp_path / "results").rglob("classification_report.json")
    assert {entry["label"] for entry in json.loads(report.read_text())["labels_unknown_to_model"]} == {
        "neutral",
        "sadness",
    }
    assert len(rows_of(result, "ready")) == 1


def test_a_test_set_of_which_it_knows_no_class_is_told_by_the_check(tmp_path, corpus):
    table = pd.read_csv(corpus).assign(class_id="longing")
    table["path"] = [str(corpus.parent / name) for name in table["path"]]
    table.to_csv(tmp_path / "longing.csv", index=False)
    datasets = [{"name": "longing", "eval_csv_path": str(tmp_path / "longing.csv")}]
    model = published_classifier(tmp_path / "model", ("hap", "ang", "neu", "sad"))
    check = check_study(load_experiment(write_study(tmp_path, corpus, model, datasets=datasets)), audio=False)
    (mistake,) = check.mistakes
    assert mistake == (
        f"{tmp_path / 'longing.csv'}: class_id: no utterance of a class that the model knows "
        "(hap, ang, neu, sad)"
    )


@pytest.mark.parametrize(
    ("labels", "fields", "said"),
    [
        (
            ("a", "b", "c", "d"),
            {},
            r"numbers\.csv, test part of seed 0: class_id: no utterance of a class that the model knows "
            r"\(a, b, c, d\)",
        ),
        (("hap", "ang", "neu", "sad"), {"pooling_mode": "max"}, "pooling_mode: 'max', but the model"),
        (
            ("hap", "ang", "neu", "sad"),
            {"is_regression": True, "output_column": ["duration"]},
            "the model is for regression, but .*model was trained for classification",
        ),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, corpus, labels, fields, said):
    path = write_study(tmp_path, corpus, published_classifier(tmp_path / "model", labels))
    file = tmp_path / "models" / "ready.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    table = pd.read_csv(corpus).assign(duration=1.0)
    table["path"] = [str(corpus.parent / name) for name in table["path"]]
    table.loc[::2, "duration"] = 2.0
    table.to_csv(tmp_path / "numbers.csv", index=False)
    experiment = json.loads(path.read_text())
    experiment["training_dataset"]["data_csv"] = str(tmp_path / "numbers.csv")
    path.write_text(json.dumps(experiment))
    with pytest.raises(UserError, match=said):
        train_experiment(load_experiment(path))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"continue_model_training": False},
            "number_of_training_epochs: must be at least 1 for a new head, got 0; continue_model_training: "
            "true evaluates a model with a trained head as it is",
        ),
        (
            {"skip_hp_search": False},
            "number_of_training_epochs: must be at least 1 with skip_hp_search: false, got 0",
        ),
    ],
)
def test_what_makes_no_sense_without_training_is_told(fields, said):
    with pytest.raises(ValueError) as refused:
        ModelConfig(name="ready", model_path_or_name="superb/hubert", **AS_IT_IS | fields)
    (error,) = refused.value.errors()
    assert f"{error['loc'][0]}: {error['msg']}" == said
