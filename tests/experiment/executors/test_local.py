"""Runs in several processes of this machine end as they do one after the other, to the bit."""

import os
import pickle
import signal
from dataclasses import replace

import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.executors.local import LocalExecutor
from kser.experiment.executors.ray_cluster import RayExecutor
from kser.experiment.executors.shared_places import shared_places, worker_name
from kser.experiment.executors.slurm import SlurmExecutor
from kser.experiment.executors.task import Task
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.events import ignore
from kser.experiment.study.study import train_experiment
from kser.training.events import Message, TrainingStarted
from tests.experiment.conftest import write_experiment
from tests.experiment.executors.local_workers import train, workers
from tests.experiment.results import assert_equal, results


class Killer:
    """A listener that kills all workers when a run begins to train, so many times; it keeps the messages."""

    def __init__(self, times: int):
        self.left = times
        self.messages: list[str] = []

    def __call__(self, event):
        if isinstance(event, Message):
            self.messages.append(f"{event.run}: {event.text}")
        if isinstance(event, TrainingStarted) and self.left:
            self.left -= 1
            for worker in workers():
                os.kill(worker, signal.SIGKILL)


@pytest.mark.thorough
def test_two_models_with_three_seeds_equal_those_of_one_process(tmp_path, small_corpus):
    one, two = (
        write_experiment(tmp_path / name, small_corpus, cross_validation=3) for name in ("one", "two")
    )
    train_experiment(load_experiment(one))
    trained = train(two)
    assert list(trained.runs["status"]) == ["trained"] * 6
    assert_equal(two, results(one))
    again = train(two)
    assert list(again.runs["status"]) == ["already trained"] * 6
    assert_equal(two, results(one))


@pytest.mark.thorough
def test_a_run_whose_worker_is_killed_goes_on_in_another_one(tmp_path, small_corpus):
    experiment = write_experiment(tmp_path, small_corpus, ["log_mel"], run_eval=False)
    killer = Killer(times=1)
    trained = train(experiment, killer)
    assert list(trained.runs["status"]) == ["trained"]
    assert (
        "log_mel, seed 0: its worker was killed by signal 9; another one goes on with it" in killer.messages
    )
    assert not workers()


@pytest.mark.thorough
def test_a_run_at_which_workers_keep_dying_is_told_in_a_line(tmp_path, small_corpus):
    experiment = write_experiment(tmp_path, small_corpus, ["log_mel"], run_eval=False)
    with pytest.raises(UserError) as failed:
        train(experiment, Killer(times=10))
    assert str(failed.value).splitlines() == [
        "log_mel, seed 0: its worker was killed by signal 9, the fifth one that died without getting further",
        "the same command tries what failed again",
    ]


@pytest.mark.thorough
def test_an_interruption_ends_all_workers(tmp_path, small_corpus):
    experiment = write_experiment(tmp_path, small_corpus, cross_validation=2)

    def interrupt(event):
        if isinstance(event, TrainingStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(experiment, interrupt)
    assert not workers()
    assert not list(tmp_path.rglob(".lock"))
    assert not list(tmp_path.rglob("worker_*"))


def test_a_place_that_a_worker_does_not_have_is_told(tmp_path, small_corpus):
    runs = plan_runs(load_experiment(write_experiment(tmp_path, small_corpus, ["log_mel"])))
    places = shared_places(runs)
    assert shared_places(runs) == places
    places.enter()
    folder = tmp_path / "runs" / "small"
    missing = replace(places, inputs=(*places.inputs, tmp_path / "elsewhere.wav"))
    other = replace(places, marks=((folder, "0123"),))
    for wrong, said in [
        (missing, f"{tmp_path}/elsewhere.wav: not found there"),
        (other, f"{folder}: is not the folder of that name where the study was started"),
    ]:
        result = Task(runs[0], wrong).do(ignore)
        assert result.failed
        assert result.error == f"worker {worker_name()}: {said}; it must be on a disk that all workers share"
    assert len(pickle.dumps(Task(runs[0], places))) < 10_000


@pytest.mark.parametrize("executor", [LocalExecutor, RayExecutor, SlurmExecutor])
def test_an_executor_without_workers_is_refused(executor):
    with pytest.raises(UserError, match=r"^workers: must be at least 1, got 0$"):
        executor(workers=0)
