"""Runs and evaluations that fail stop no others, are told together, and are tried again."""

import errno

import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import read_evaluation_csv
from kser.experiment.execution.training_run import ModelMistakeError, TrainingFailedError
from kser.experiment.study import evaluation, study, training
from kser.experiment.study.study import train_experiment
from tests.experiment.study.training import change_model, failures_of


@pytest.mark.thorough
def test_a_run_that_fails_does_not_stop_the_study_and_is_tried_again(two_seeds, monkeypatch):
    def fails_on_seed_0(run, *arguments):
        if run.seed == 0:
            raise RuntimeError("out of\nmemory")
        return do_run(run, *arguments)

    do_run = training.do_run
    monkeypatch.setattr(training, "do_run", fails_on_seed_0)
    with pytest.raises(UserError) as failed:
        train_experiment(load_experiment(two_seeds))
    first, last = str(failed.value).splitlines()
    work = two_seeds.parent / "runs" / "small" / "log_mel" / "seed_0"
    assert first == f"log_mel, seed 0: RuntimeError: out of memory (more in {work / 'error.txt'})"
    assert last == "the same command tries what failed again"
    assert "fails_on_seed_0" in (work / "error.txt").read_text()
    monkeypatch.undo()
    evaluation_csv = train_experiment(load_experiment(two_seeds)).evaluation_csv
    assert len(read_evaluation_csv(evaluation_csv)) == 2
    assert [path.name for path in work.iterdir()] == ["log.csv"]
    (work / "error.txt").write_text("of an earlier version")
    train_experiment(load_experiment(two_seeds))
    assert [path.name for path in work.iterdir()] == ["log.csv"]


def test_a_full_disk_is_told_with_what_to_do(two_seeds, monkeypatch):
    def fails(run, *arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training, "do_run", fails)
    with pytest.raises(UserError) as failed:
        train_experiment(load_experiment(two_seeds))
    runs = two_seeds.parent / "runs" / "small" / "log_mel"
    assert str(failed.value).splitlines() == [
        *(
            f"log_mel, seed {seed}: {runs}/seed_{seed}: No space left on device; free some space, or name a "
            "folder on another disk; the same command continues"
            for seed in (0, 1)
        ),
        "the same command tries what failed again",
    ]


@pytest.mark.thorough
def test_a_model_that_cannot_begin_stops_no_other_model_and_is_begun_once(two_models, monkeypatch):
    begun = []

    def cannot_read_the_weights_of_log_mel(run, *arguments):
        begun.append(run.title)
        if run.model.name == "log_mel":
            raise ModelMistakeError("models/log_mel.json: weights cannot be read")
        return do_run(run, *arguments)

    do_run = training.do_run
    monkeypatch.setattr(training, "do_run", cannot_read_the_weights_of_log_mel)
    first, last = failures_of(two_models)
    assert first == "log_mel, seed 0–1: models/log_mel.json: weights cannot be read"
    assert last == "the same command tries what failed again"
    assert begun == ["log_mel, seed 0", "wav2vec2, seed 0", "wav2vec2, seed 1"]
    results = two_models.parent / "results" / "small"
    assert len(list(results.glob("wav2vec2/*/evaluation/synthetic/classification_report.json"))) == 2
    assert not (results / "log_mel").exists()
    assert list(results.glob("evaluation_csv/summary/*/summary.csv"))
    assert (results / "training_curves.png").is_file()


def test_what_no_run_would_begin_with_is_told_before_training(two_models):
    change_model(two_models, "wav2vec2", model_path_or_name="nowhere")
    work = two_models.parent / "runs" / "small" / "log_mel" / "seed_1"
    work.mkdir(parents=True)
    (work / "settings.json").write_text('{"run_fingerprint": "of other settings"}')
    interrupted, nowhere = failures_of(two_models)
    assert interrupted.startswith(f"{work}: holds an interrupted run with other settings")
    file = two_models.parent / "models" / "wav2vec2.json"
    assert nowhere.startswith(f"{file}: model_path_or_name: nowhere: folder not found")
    assert not (two_models.parent / "results").exists()


@pytest.mark.thorough
def test_failures_in_training_and_evaluation_are_told_together(two_models, monkeypatch):
    def fails_on_wav2vec2(run, *arguments):
        if run.model.name == "wav2vec2" and run.seed == 1:
            raise TrainingFailedError("the loss is no longer a number")
        return do_run(run, *arguments)

    def damages_a_model(self, row):
        if row.model_name == "log_mel" and row.model_path.parent.name == "seed_0":
            raise UserError(f"{row.model_path}: the model cannot be loaded")
        if row.model_name == "log_mel":
            raise ValueError("nobody\nforesaw")
        return evaluate_row(self, row)

    do_run, evaluate_row = training.do_run, evaluation.Evaluator.evaluate
    monkeypatch.setattr(training, "do_run", fails_on_wav2vec2)
    monkeypatch.setattr(evaluation.Evaluator, "evaluate", damages_a_model)
    results = two_models.parent / "results" / "small"
    seeds = [results / "log_mel" / f"seed_{seed}" for seed in range(2)]
    report = seeds[1] / "evaluation" / "synthetic" / "error.txt"
    assert failures_of(two_models) == [
        "wav2vec2, seed 1: the loss is no longer a number",
        f"log_mel on synthetic: {seeds[0] / 'model'}: the model cannot be loaded",
        f"log_mel on synthetic: ValueError: nobody foresaw (more in {report})",
        "the same command tries what failed again",
    ]
    assert "damages_a_model" in report.read_text()
    assert (results / "wav2vec2/seed_0/evaluation/synthetic/classification_report.json").is_file()
    assert (results / "training_curves.png").is_file()
    monkeypatch.undo()
    train_experiment(load_experiment(two_models))
    assert not report.exists()


@pytest.mark.thorough
def test_curves_that_cannot_be_drawn_are_told_at_the_end(two_models, monkeypatch):
    def fails(*arguments, **more):
        raise RuntimeError("no canvas")

    monkeypatch.setattr(study, "plot_training_curves", fails)
    report = two_models.parent / "runs" / "small" / "error.txt"
    change_model(two_models, "log_mel", number_of_training_epochs=1)
    assert failures_of(two_models) == [f"RuntimeError: no canvas (more in {report})"]
    assert "no canvas" in report.read_text()
    monkeypatch.undo()
    train_experiment(load_experiment(two_models))
    assert not report.exists()
