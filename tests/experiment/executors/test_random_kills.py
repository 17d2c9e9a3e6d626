"""Workers that are killed every few seconds: nothing is lost, nothing done twice, the tables are the same."""

import json
import os
import signal
import threading
import time
from collections import Counter

import numpy as np
import pytest

from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.events import RunEnded
from kser.experiment.study.study import train_experiment
from kser.training.events import Evaluated
from tests.experiment.conftest import write_experiment
from tests.experiment.executors.local_workers import train, workers
from tests.experiment.results import assert_equal, results

EPOCHS = 100
KILLS_OF_A_RUN = 3


def write_study(folder, corpus):
    path = write_experiment(folder, corpus, cross_validation=2)
    for model in (folder / "models").iterdir():
        model.write_text(json.dumps(json.loads(model.read_text()) | {"number_of_training_epochs": EPOCHS}))
    return path


class RandomKiller:
    """Kills the worker of a run a random time after an evaluation that no worker had come to before."""

    def __init__(self, experiment):
        self.runs = {run.title: run for run in plan_runs(load_experiment(experiment))}
        self.kills, self.ends = Counter(), Counter()
        self._furthest, self._killed_s = Counter(), Counter()
        self._rng = np.random.default_rng(0)

    def __call__(self, event):
        if isinstance(event, RunEnded):
            self.ends[event.run] += 1
        if not isinstance(event, Evaluated) or event.step <= self._furthest[event.run]:
            return
        self._furthest[event.run] = event.step
        is_early = time.monotonic() - self._killed_s[event.run] < 2.0
        if self.kills[event.run] < KILLS_OF_A_RUN and not is_early:
            self._killed_s[event.run] = time.monotonic()
            threading.Timer(self._rng.uniform(0.0, 0.3), self._kill, [event.run]).start()

    def _kill(self, title):
        lock = self.runs[title].paths.work / ".lock"
        holder = int(lock.read_text().split()[0]) if lock.is_file() else None
        if holder in workers():
            self.kills[title] += 1
            os.kill(holder, signal.SIGKILL)


@pytest.mark.slow
def test_workers_killed_every_few_seconds(tmp_path, small_corpus):
    whole, killed = (write_study(tmp_path / name, small_corpus) for name in ("whole", "killed"))
    train_experiment(load_experiment(whole))
    killer = RandomKiller(killed)
    trained = train(killed, killer)
    assert list(trained.runs["status"]) == ["trained"] * 4
    assert killer.ends == dict.fromkeys(killer.runs, 1)
    assert sum(killer.kills.values()) >= 4, killer.kills
    assert_equal(killed, results(whole))
