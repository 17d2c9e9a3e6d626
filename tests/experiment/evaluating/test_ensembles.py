"""Several models of one row are evaluated as one: the mean of what they say."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kser
from kser.errors import UserError
from kser.experiment.evaluating.answers import Answers, mean_of
from kser.experiment.evaluating.evaluation_csv import read_evaluation_csv
from kser.experiment.study.evaluation import evaluate
from kser.experiment.tasks.agreement import Vocabulary
from tests.experiment.evaluated_models import (
    LABELS,
    report_in,
    save_model,
    write_corpus,
    write_rows,
    write_test_set,
)

TEMPERATURES = {0: 2.0, 1: 0.5}
PROBABILITIES = [f"p_{label}" for label in LABELS]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Two seeds of a classifier alone and as one, and seeds of models of other kinds; not to be changed."""
    folder = tmp_path_factory.mktemp("ensembles")
    corpus = write_corpus(folder)
    table = write_test_set(folder / "set", corpus)
    study = folder / "results" / "study"
    for seed, temperature in TEMPERATURES.items():
        trained_on = (Path(table["path"][seed]), Path(table["path"][5]))
        model = save_model(study / "noise" / f"seed_{seed}" / "model", "class", seed, trained_on)
        facts = json.loads((model / "kser.json").read_text())
        facts["calibration"] = {"logits": {"temperature": temperature, "threshold": 0.5}}
        (model / "kser.json").write_text(json.dumps(facts))
    save_model(study / "numbers" / "seed_0" / "model", "numbers", 0)
    save_model(study / "numbers" / "seed_1" / "model", "numbers", 1)
    seeds = [
        (f"seed {seed}", study / "noise" / f"seed_{seed}", folder / "set", folder / f"out_{seed}")
        for seed in TEMPERATURES
    ]
    together = [
        ("class", study / "noise", folder / "set", folder / "out_mean"),
        ("numbers", study / "numbers", folder / "set", folder / "out_numbers"),
    ]
    return folder, evaluate(write_rows(folder / "rows.csv", [*seeds, *together]))


def test_probabilities_are_those_that_predict_gives(evaluated):
    folder, _ = evaluated
    found = pd.read_csv(folder / "out_mean" / "predictions.csv")
    predictor = kser.load_model(folder / "results" / "study" / "noise")
    table = pd.read_csv(folder / "set" / "test.csv")
    for row, prediction in enumerate(predictor.predict(table["path"].tolist()[:3])):
        expected = [prediction.probabilities[label] for label in LABELS]
        assert found.loc[row, PROBABILITIES].to_numpy(float) == pytest.approx(expected, abs=2e-6)


def test_the_report_says_which_models_and_what_any_of_them_has_seen(evaluated):
    folder, summary = evaluated
    report = report_in(folder / "out_mean", "classification_report")
    models = [str(folder / "results" / "study" / "noise" / f"seed_{seed}" / "model") for seed in (0, 1)]
    assert (report["seed"], report["models"]) == (None, models)
    # One recording is known to both, and one to each.
    assert report["seen_in_training"] == {"train": 3, "validation": 0}
    assert "temperature" not in report["calibration"]  # the mean has none
    assert any("class on made up, mean of 2 models: 3 of" in line for line in summary.warnings)
    alone = report_in(folder / "out_1", "classification_report")
    assert (alone["seed"], alone.get("models")) == (1, None)
    assert alone["calibration"]["temperature"] == 0.5


def test_numbers_are_averaged(evaluated):
    folder, _ = evaluated
    found = pd.read_csv(folder / "out_numbers" / "predictions.csv")
    predictor = kser.load_model(folder / "results" / "study" / "numbers")
    table = pd.read_csv(folder / "set" / "test.csv")
    assert found["predicted_arousal"][0] == pytest.approx(
        predictor.predict(table["path"][0]).values["arousal"], abs=1e-4
    )


def test_it_is_not_evaluated_again_until_a_member_changes(evaluated):
    folder, _ = evaluated
    assert not any(done.is_new for done in evaluate(folder / "rows.csv").evaluated)
    member = folder / "results" / "study" / "noise" / "seed_1" / "model" / "kser.json"
    before = member.read_text()
    member.write_text(json.dumps(json.loads(before) | {"split_fingerprint": "1" * 16}))
    assert [done.is_new for done in evaluate(folder / "rows.csv").evaluated] == [False, True, True, False]
    member.write_text(before)


def test_models_may_be_named_one_by_one(evaluated, tmp_path):
    folder, _ = evaluated
    models = json.dumps([f"results/study/noise/seed_{seed}/model" for seed in (1, 0)])
    rows = write_rows(folder / "list.csv", [("pair", models, folder / "set", tmp_path / "out")])
    assert [len(row.models) for row in read_evaluation_csv(rows)] == [2]
    evaluate(rows)
    found, before = (
        pd.read_csv(path / "predictions.csv")[PROBABILITIES]
        for path in (tmp_path / "out", folder / "out_mean")
    )
    assert found.to_numpy() == pytest.approx(before.to_numpy(), abs=2e-6)


def test_of_a_model_of_unknown_training_leaks_are_unknown(evaluated, tmp_path):
    folder, _ = evaluated
    unknown = save_model(tmp_path / "model", "class", 5)
    models = json.dumps([str(unknown), "results/study/noise/seed_0"])
    rows = write_rows(folder / "unknown.csv", [("pair", models, folder / "set", tmp_path / "out")])
    (line,) = (line for line in evaluate(rows).warnings if "leaks may be more" in line)
    assert "what 1 of the models learned from is not known" in line


def test_models_that_say_other_things_are_refused(evaluated, tmp_path):
    folder, _ = evaluated
    rows = write_rows(
        tmp_path / "rows.csv", [("all", folder / "results" / "study", folder / "set", tmp_path / "out")]
    )
    with pytest.raises(UserError, match=r"all on made up: models of which a mean is taken must say the same"):
        evaluate(rows)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("[]", "should be a model, or a list such as"),
        ("[1]", "should be a model, or a list such as"),
        ('["a", "b"', "model_path"),
        ('["a", "b"]', "eval_out_path: is required where model_path is a list"),
    ],
)
def test_a_list_that_is_not_as_it_should_be(tmp_path, cell, words):
    path = write_rows(tmp_path / "rows.csv", [("m", cell, tmp_path, "")])
    with pytest.raises(UserError, match="row 2: ") as failed:
        read_evaluation_csv(path)
    assert words in str(failed.value)


def test_the_mean_is_of_the_recordings_that_all_can_use():
    here = Answers(
        Vocabulary("a", {"logits": ["joy", "fear"]}), {"logits": np.array([[0.9, 0.1]] * 3)}, [0, 1, 2]
    )
    there = Answers(
        Vocabulary("b", {"logits": ["fear", "joy"]}), {"logits": np.array([[0.5, 0.5], [0.3, 0.7]])}, [1, 3]
    )
    mean = mean_of([here, there])
    assert list(mean.recordings) == [1]
    assert mean.decoded["logits"] == pytest.approx(np.array([[0.7, 0.3]]))
    with pytest.raises(UserError, match="no recording can be used by all models"):
        mean_of([here, Answers(there.vocabulary, there.decoded, [7, 8])])
