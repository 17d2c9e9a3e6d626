"""TensorBoard's event files and MLflow have what log.csv has, also when a run was interrupted."""

import json
import math
import sys

import keras
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.evaluation.event_files import read_scalars
from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.training_run import do_run
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.study import train_experiment
from kser.experiment.study.training import logs_of
from tests.experiment import fake_mlflow
from tests.experiment.conftest import write_experiment


class PowerCutError(BaseException):
    """Nothing in kser catches it."""


class StopAt(keras.callbacks.Callback):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        self.batches -= 1
        if self.batches == 0:
            raise PowerCutError


@pytest.fixture(scope="module")
def server():
    return fake_mlflow.Server()


@pytest.fixture(scope="module")
def interrupted_run(tmp_path_factory, small_corpus, server):
    """A run that was stopped after an evaluation and a further row of the log, and continued."""
    path = write_experiment(
        tmp_path_factory.mktemp("logs"),
        small_corpus,
        models=["log_mel"],
        eval_steps=3,
        logging_steps=1,
        tensorboard=True,
        mlflow="http://there",
    )
    (run,) = plan_runs(load_experiment(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mlflow", fake_mlflow.module(server))
        with pytest.raises(PowerCutError), logs_of(run) as logs:
            do_run(run, [*logs, StopAt(5)])
        assert server.runs["run0"].status == "KILLED"
        with logs_of(run) as logs:
            do_run(run, logs)
    return run


def logged(run):
    """Step, name and value of everything in log.csv."""
    table = pd.read_csv(run.paths.log).drop(columns="seconds")
    melted = table.melt("step").dropna()
    return sorted(zip(melted["step"], melted["variable"], melted["value"], strict=True))


@pytest.mark.thorough
def test_event_files_have_the_rows_of_the_log_once(interrupted_run):
    (path,) = (interrupted_run.paths.work / "events").iterdir()

    def name(tag):
        return tag.replace("eval/", "val_").removeprefix("train/")

    read = sorted((step, name(tag), value) for step, tag, value in read_scalars(path))
    assert read == [
        (step, name, pytest.approx(value, rel=1e-5)) for step, name, value in logged(interrupted_run)
    ]


@pytest.mark.thorough
def test_tensorboard_reads_them(interrupted_run):
    found = EventAccumulator(str(interrupted_run.paths.work / "events")).Reload()
    log = pd.read_csv(interrupted_run.paths.log).dropna(subset=["val_uar"])
    scalars = found.Scalars("eval/uar")
    assert [scalar.step for scalar in scalars] == log["step"].tolist()
    elapsed = [scalar.wall_time - scalars[0].wall_time for scalar in scalars]
    assert elapsed == pytest.approx((log["seconds"] - log["seconds"].iloc[0]).tolist(), abs=0.5)


def test_graphs_take_the_log_and_not_both(interrupted_run):
    curves, notes = read_training_curves(interrupted_run.paths.work)
    assert notes == []
    assert (
        curves["val_loss"].dropna().tolist()
        == pd.read_csv(interrupted_run.paths.log)["val_loss"].dropna().tolist()
    )
    assert not [name for name in curves.columns if name.startswith("train_")]


def test_mlflow_has_the_rows_of_the_log_once_and_in_one_run(interrupted_run, server):
    assert list(server.runs) == ["run0"]
    run = server.runs["run0"]
    measured = sorted((metric.step, metric.key, metric.value) for metric in run.metrics)
    assert measured == [
        (step, name, pytest.approx(value, rel=1e-5)) for step, name, value in logged(interrupted_run)
    ]
    assert (run.name, run.status) == ("log_mel, seed 0", "FINISHED")
    assert list(server.experiments) == ["small"]
    assert run.params["learning_rate"] == "0.001"
    assert run.params["seed"] == "0"
    provenance = json.loads((interrupted_run.paths.model / "kser.json").read_text())
    assert run.tags["kser.run_fingerprint"] == provenance["run_fingerprint"]


@pytest.fixture
def with_mlflow(tmp_path, small_corpus):
    return write_experiment(tmp_path, small_corpus, models=["log_mel"], mlflow="http://there", run_eval=False)


def test_without_mlflow_one_line_says_so_before_training(with_mlflow, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(
        UserError, match=r"experiment.json: mlflow: its package .*pip install mlflow"
    ) as refused:
        train_experiment(load_experiment(with_mlflow))
    assert len(str(refused.value).splitlines()) == 1


def test_a_server_that_never_answers_fails_the_run_in_a_line(with_mlflow, monkeypatch):
    silent = fake_mlflow.Server()
    silent.fails = True
    monkeypatch.setitem(sys.modules, "mlflow", fake_mlflow.module(silent))
    with pytest.raises(UserError) as failed:
        train_experiment(load_experiment(with_mlflow))
    first, _ = str(failed.value).splitlines()
    assert first == "log_mel, seed 0: mlflow: http://there: OSError: no answer"


@pytest.mark.thorough
def test_a_server_that_falls_silent_does_not_cost_the_run(with_mlflow, monkeypatch, caplog):
    class Silence(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            server.fails = True

    server = fake_mlflow.Server()
    monkeypatch.setitem(sys.modules, "mlflow", fake_mlflow.module(server))
    (run,) = plan_runs(load_experiment(with_mlflow))
    with logs_of(run) as logs:
        do_run(run, [*logs, Silence()])
    assert (run.paths.model / "kser.json").is_file()
    assert {metric.step for metric in server.runs["run0"].metrics} == {0}
    (warning,) = [line for line in caplog.messages if line.startswith("mlflow: ")]
    assert "takes no more values: OSError: no answer; training goes on" in warning
    assert not math.isnan(pd.read_csv(run.paths.log)["val_loss"].iloc[-1])
