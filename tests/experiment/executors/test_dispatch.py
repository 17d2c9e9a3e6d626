"""Which deaths of workers count against a run, with a made-up crew."""

import pytest

from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.training_run import Outcome
from kser.experiment.executors.crew import Died, Ended, Happened
from kser.experiment.executors.dispatch import FRUITLESS_DEATHS, dispatch
from kser.experiment.executors.shared_places import shared_places
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.events import ignore
from kser.experiment.study.results import RunResult
from kser.training.events import AudioRead
from tests.experiment.conftest import write_experiment

FILES = 30


class MadeUpCrew:
    """One worker: each attempt reads all files, computes some features more than the last one, and dies."""

    def __init__(self, further: int):
        self.further = further
        self.attempts = 0
        self.run = None

    def has_room_for(self, run):
        return self.run is None

    def begin(self, task):
        self.attempts += 1
        self.run = task.run

    def reports(self):
        run, self.run = self.run, None
        computed = min(1 + self.attempts * self.further, FILES)
        passes = [range(1, FILES + 1), range(1, computed + 1)]
        reports = [Happened(AudioRead(run.title, done, FILES)) for files in passes for done in files]
        died = Died(run, "was killed by signal 9")
        return [*reports, Ended(RunResult(run, Outcome.TRAINED)) if computed == FILES else died]


@pytest.fixture
def runs(tmp_path, small_corpus):
    return plan_runs(load_experiment(write_experiment(tmp_path, small_corpus, ["log_mel"])))


def test_features_of_further_files_are_progress_though_as_many_were_read_before(runs):
    crew = MadeUpCrew(further=2)
    (result,) = dispatch(runs, crew, shared_places(runs), ignore)
    assert not result.failed
    assert crew.attempts > FRUITLESS_DEATHS


def test_a_run_that_gets_no_further_is_given_up(runs):
    crew = MadeUpCrew(further=0)
    (result,) = dispatch(runs, crew, shared_places(runs), ignore)
    assert result.error.endswith("the fifth one that died without getting further")
    assert crew.attempts == FRUITLESS_DEATHS
