"""Runs on a Ray cluster of this machine end as they do in one process, to the bit."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.executors.ray_cluster import RayExecutor
from kser.experiment.study.study import train_experiment
from kser.training.events import Message, TrainingStarted
from tests.experiment.conftest import write_experiment
from tests.experiment.results import assert_equal, results

pytest.importorskip("ray")
pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore:.*:ResourceWarning")]


def train(experiment, listener=None, **options):
    return train_experiment(load_experiment(experiment), None, listener, RayExecutor(**options))


def kill_tasks():
    """Kill the processes of Ray that are doing a run."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if command.read_bytes().startswith(b"ray::do_task"):
                os.kill(int(command.parent.name), signal.SIGKILL)


def test_runs_that_are_killed_once_equal_those_of_one_process(tmp_path, small_corpus):
    one, cluster = (
        write_experiment(tmp_path / name, small_corpus, ["log_mel"], cross_validation=2)
        for name in ("one", "cluster")
    )
    train_experiment(load_experiment(one))
    started = []
    messages = []

    def listener(event):
        if isinstance(event, Message):
            messages.append(event.text)
        if isinstance(event, TrainingStarted):
            started.append(event.run)
            if len(started) == 1:
                kill_tasks()

    trained = train(cluster, listener, workers=2)
    assert list(trained.runs["status"]) == ["trained"] * 2
    assert any(text.startswith("its worker was lost (WorkerCrashedError") for text in messages)
    assert_equal(cluster, results(one))


def test_a_run_for_which_there_is_no_room_is_refused(tmp_path, small_corpus):
    experiment = write_experiment(tmp_path, small_corpus, ["log_mel"])
    with pytest.raises(UserError, match=r"^log_mel: a run takes 100000 CPUs and 0 GPUs, but the cluster has"):
        train(experiment, num_cpus=100_000)
