"""The Python API: an experiment without JSON files and without a word on the console."""

import doctest
import json

import pandas as pd
import pytest

import kser
from kser.corpora.metadata import read_metadata, write_metadata
from kser.experiment.execution.training_run import TrainingFailedError
from kser.experiment.study import experiment as experiment_module
from kser.experiment.study import training
from kser.experiment.study.events import (
    EvaluationSummarised,
    RunEnded,
    StudyStarted,
    TestSetEvaluated,
    TestSetStarted,
)
from kser.experiment.study.results import IncompleteError
from kser.training.events import AudioRead, BatchTrained, TrainingEnded, TrainingStarted
from tests.experiment.conftest import SMALL_MODELS

MODEL = {
    "name": "log_mel",
    "gradient_accumulation_steps": 1,
    "number_of_training_epochs": 1,
    **SMALL_MODELS["log_mel"],
}


def fields(metadata):
    return {
        "experiment_name": "small",
        "training_dataset": {"name": "synthetic", "data_csv": str(metadata)},
        "eval_steps": 4,
        "length_buckets": 1,
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory, small_corpus):
    """An experiment in a working folder of its own, what it gave, its events, and what was printed."""
    folder = tmp_path_factory.mktemp("api")
    events = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        experiment = kser.Experiment(fields(small_corpus), models=[MODEL], progress=events.append)
        result = experiment.run(seeds=range(2))
    return folder, experiment, result, events


@pytest.mark.thorough
def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch, small_corpus):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").symlink_to(small_corpus.parent)
    (example,) = doctest.DocTestFinder(recurse=False).find(experiment_module.Experiment, "Experiment")
    assert example.examples
    said = []
    doctest.DocTestRunner().run(example, out=said.append)
    assert said == []


@pytest.mark.thorough
def test_running_gives_data_frames(done):
    _, _, result, _ = done
    assert result.runs[["model", "seed", "status", "error"]].to_numpy().tolist() == [
        ["log_mel", 0, "trained", ""],
        ["log_mel", 1, "trained", ""],
    ]
    assert (result.runs["best_step"] <= result.runs["updates"]).all()
    assert (result.runs["seconds"] > 0).all()
    results = result.evaluation.results
    assert results[["model_name", "dataset_name", "seed"]].to_numpy().tolist() == [
        ["log_mel", "synthetic", 0],
        ["log_mel", "synthetic", 1],
    ]
    summary = result.evaluation.summary.iloc[0]
    assert summary["uar_mean"] == pytest.approx(results["uar"].mean())
    assert summary["uar_sd"] == pytest.approx(results["uar"].std())


@pytest.mark.thorough
def test_the_frames_say_what_the_files_say(done):
    folder, _, result, _ = done
    rows = result.evaluation.results.to_dict("records")
    for row, report in zip(rows, result.evaluation.reports, strict=True):
        predictions = pd.read_csv(f"{row['eval_out_path']}/predictions.csv")
        assert row["n"] == report["n"] == len(predictions)
        assert row["wa"] == pytest.approx((predictions["class_id"] == predictions["predicted"]).mean())
    written = pd.read_csv(result.evaluation.folder / "summary.csv")
    pd.testing.assert_frame_equal(written, result.evaluation.summary, check_dtype=False)
    assert result.evaluation_csv.parent == folder / "results" / "small" / "evaluation_csv"
    assert kser.EmotionClassifier.from_preset(result.runs["model_path"][1]).labels == [
        *("anger", "happiness", "neutral", "sadness")
    ]


@pytest.mark.thorough
def test_events_tell_the_whole_story_in_order(done):
    _, _, _, events = done
    # Recordings of all parts are compared before the study starts.
    expected = [AudioRead, StudyStarted, TrainingStarted, BatchTrained, TrainingEnded, RunEnded]
    expected += [TestSetStarted, TestSetEvaluated, EvaluationSummarised]
    kinds = [type(event) for event in events]
    first_places = [kinds.index(kind) for kind in expected]
    assert first_places == sorted(first_places)
    assert [event.run for event in events if isinstance(event, RunEnded)] == [
        "log_mel, seed 0",
        "log_mel, seed 1",
    ]
    last = [event for event in events if isinstance(event, AudioRead) and event.run == "log_mel, seed 0"][-1]
    assert last.done == last.total
    starts = [event for event in events if isinstance(event, TestSetStarted)]
    assert [(event.number, event.of_rows) for event in starts] == [(1, 2), (2, 2)]
    predicted = [event for event in events if isinstance(event, AudioRead) and event.what == "predicting"]
    assert {event.run for event in predicted} == {starts[0].run}
    assert predicted[-1].done == predicted[-1].total


def test_nothing_is_printed(done, small_corpus, monkeypatch, capfd):
    folder, _, _, _ = done
    monkeypatch.chdir(folder)
    experiment = kser.Experiment(fields(small_corpus), models=[MODEL])
    assert experiment.check(seeds=range(3)).ok
    experiment.run(seeds=[0, 1])
    experiment.evaluate()
    assert capfd.readouterr() == ("", "")


def test_the_plan_is_a_row_a_run(done, monkeypatch):
    folder, experiment, _, _ = done
    monkeypatch.chdir(folder)
    plan = experiment.check(seeds=range(3)).plan
    assert plan[["model", "seed", "state"]].to_numpy().tolist() == [
        ["log_mel", 0, "finished"],
        ["log_mel", 1, "finished"],
        ["log_mel", 2, "to do"],
    ]
    assert (plan["updates"] == plan["batches_per_epoch"]).all()


def test_a_second_run_trains_and_evaluates_nothing(done, monkeypatch):
    folder, experiment, first, _ = done
    monkeypatch.chdir(folder)
    again = experiment.run(seeds=range(2))
    assert set(again.runs["status"]) == {"already trained"}
    assert not any(evaluated.is_new for evaluated in again.evaluation.evaluated)
    pd.testing.assert_frame_equal(again.evaluation.results, first.evaluation.results)


@pytest.mark.thorough
def test_evaluating_takes_the_models_of_all_seeds(done, small_corpus, monkeypatch):
    folder, _, first, _ = done
    monkeypatch.chdir(folder)
    experiment = kser.Experiment(fields(small_corpus), models=[MODEL])
    summary = experiment.evaluate(by=["sentence"])
    assert summary.results["seed"].tolist() == [0, 1]
    assert all("sentence" in report["subgroups"] for report in summary.reports)
    pd.testing.assert_frame_equal(kser.evaluate(first.evaluation_csv).results, summary.results)


def test_without_a_trained_model_there_is_nothing_to_evaluate(tmp_path, monkeypatch, small_corpus):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kser.UserError, match="small: no model is trained yet"):
        kser.Experiment(fields(small_corpus), models=[MODEL]).evaluate()


def test_an_experiment_is_a_file_or_its_fields(tmp_path, monkeypatch, small_corpus):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "log_mel.json").write_text(json.dumps(MODEL))
    (tmp_path / "experiment.json").write_text(json.dumps(fields(small_corpus) | {"model_files": "models"}))
    from_file = kser.Experiment("experiment.json")
    config = kser.ExperimentConfig(**fields(small_corpus))
    built = kser.Experiment(config, models=[kser.ModelConfig(**MODEL)])
    mixed = kser.Experiment(fields(small_corpus), models=["models/log_mel.json"])
    named = kser.Experiment(fields(small_corpus), models="models")
    assert from_file.models == built.models == mixed.models == named.models
    assert built.config == mixed.config
    assert from_file.config == config.model_copy(update={"model_files": "models"})


@pytest.mark.parametrize(
    ("changed", "models", "said"),
    [
        ({"eval_stepps": 1}, [MODEL], "experiment: eval_stepps: unknown field; did you mean eval_steps?"),
        ({}, [MODEL | {"batch_size": 0}], "models[0]: batch_size: "),
        ({}, [MODEL, MODEL], "models[1]: name: 'log_mel' is "),
        ({}, None, "experiment: model_files: is missing"),
        ({}, [], "models: must hold at least one, got none"),
        ({}, "nowhere.json", "models: file or folder not found: "),
        ({}, [3], "models[0]: should be a JSON object, {…}, with "),
    ],
)
def test_mistakes_in_fields_are_user_errors(tmp_path, small_corpus, changed, models, said):
    with pytest.raises(kser.UserError) as error:
        kser.Experiment(fields(small_corpus) | changed, models=models)
    (line,) = str(error.value).splitlines()
    assert line.startswith(said)


def test_mistakes_in_data_are_the_same_in_the_check_and_before_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = fields("metadata.csv")
    (tmp_path / "metadata.csv").write_text("path\n")
    experiment = kser.Experiment(wrong, models=[MODEL])
    result = experiment.check()
    assert not result.ok
    with pytest.raises(kser.UserError) as error:
        experiment.run()
    assert str(error.value).splitlines() == result.mistakes
    assert [path.name for path in tmp_path.iterdir()] == ["metadata.csv"]


@pytest.mark.thorough
def test_what_fails_is_raised_at_the_end_with_what_was_done(tmp_path, monkeypatch, small_corpus):
    monkeypatch.chdir(tmp_path)
    write_metadata(read_metadata(small_corpus).iloc[:3], tmp_path / "few.csv")
    few = {"name": "few", "eval_csv_path": "few.csv"}

    def fails_on_seed_0(run, *arguments):
        if run.seed == 0:
            raise TrainingFailedError("the loss is not a number")
        return do_run(run, *arguments)

    do_run = training.do_run
    monkeypatch.setattr(training, "do_run", fails_on_seed_0)
    experiment = kser.Experiment(fields(small_corpus) | {"datasets": [few]}, models=[MODEL])
    with pytest.raises(IncompleteError, match="log_mel, seed 0: the loss is not a number") as error:
        experiment.run(seeds=range(2))
    result = error.value.result
    assert result.runs["status"].tolist() == ["failed", "trained"]
    assert [failure.run.seed for failure in result.failures] == [0]
    results = result.evaluation.results[["model_name", "dataset_name", "n"]]
    assert results.to_numpy().tolist()[1:] == [["log_mel", "few", 3]]
