"""Runs that search: what they read, that they go on inside a trial, and the model with the best values."""

import io

import keras
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from kser.cli.study_display import StudyDisplay
from kser.corpora.metadata import read_metadata
from kser.experiment.execution import training_run
from kser.experiment.execution.training_run import Outcome, do_run
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.experiment.study.study import train_experiment
from kser.files import read_json
from kser.pipeline.reading import WaveformReader
from tests.experiment.searching_runs import SPACE, run_of, table

# 24 recordings in batches of 8, of which trials have half, for two epochs.
UPDATES_OF_A_TRIAL = 4


class Interruption(keras.callbacks.Callback):
    """Ends the process, so to speak, in a batch, counted over all trials."""

    def __init__(self, countdown: int):
        super().__init__()
        self.countdown = countdown

    def on_train_batch_end(self, batch, logs=None):
        self.countdown -= 1
        if self.countdown == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def searched(tmp_path_factory, small_corpus):
    """A run with a search, what the console said, and what was read in the search."""
    run = run_of(tmp_path_factory.mktemp("searched"), small_corpus, hp_num_trials=2)
    console = Console(file=io.StringIO(), width=200)
    read: set[str] = set()
    unspied, search = WaveformReader.__call__, training_run.search

    def reads(reader, path):
        read.add(str(path))
        return unspied(reader, path)

    def spied(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WaveformReader, "__call__", reads)
            return search(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_run, "search", spied)
        train_experiment(run.experiment, progress=StudyDisplay(console))
    return run, console.file.getvalue(), read


@pytest.mark.thorough
def test_the_winner_is_trained_recorded_and_named(searched):
    run, output, _ = searched
    trials = table(run)
    assert list(trials["trial"]) == [1, 2]
    assert (trials["status"] == "completed").all()
    best = trials.loc[trials["val_uar"].idxmax()]
    provenance = load_provenance(run.paths.model)
    assert provenance.model_config["learning_rate"] == best["learning_rate"]
    assert provenance.model_config["use_relu"] == best["use_relu"]
    assert provenance.search is not None
    assert provenance.search["best"]["number"] == best["trial"]
    assert provenance.search == read_json(run.paths.search / "search.json")
    assert provenance.search["space"] == SPACE
    rate = pd.read_csv(run.paths.log)["learning_rate"].max()
    assert rate == pytest.approx(best["learning_rate"])
    assert f"trial {best['trial']}, learning_rate {best['learning_rate']:.4g}" in output
    assert "log_mel, seed 0, trial 2/2: update" in output
    first, second = [line for line in output.splitlines() if "log_mel, seed 0: trial " in line]
    assert " left)" not in first
    assert second.endswith(" s left)")
    assert (run.paths.search / "search.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.thorough
def test_no_test_file_is_read_while_trials_are_made(searched):
    run, _, read = searched
    data = load_run_data(run)
    summary = read_json(run.paths.search / "search.json")
    training = data.rows("train")
    of_search = set(training[training["actor"].isin(summary["speakers"])]["path"])
    assert read == of_search | set(data.rows("validation")["path"])
    assert not read & set(data.rows("test")["path"])
    assert 0 < len(of_search) < len(training)
    assert set(read_metadata(run.paths.split / "train.csv")["path"]) == set(training["path"])


@pytest.mark.thorough
def test_a_finished_search_leaves_its_results_and_the_logs_of_its_trials(searched):
    run, _, _ = searched
    left = sorted(path.relative_to(run.paths.work).as_posix() for path in run.paths.work.rglob("*.*"))
    assert left == ["log.csv", "search/trial_1/trial_log.csv", "search/trial_2/trial_log.csv"]


def test_a_finished_run_is_not_searched_again(searched, monkeypatch):
    run, _, _ = searched
    monkeypatch.setattr(training_run, "search", None)
    assert do_run(run) is Outcome.ALREADY_TRAINED
    assert len(table(run)) == 2


@pytest.mark.thorough
def test_a_search_interrupted_inside_a_trial_goes_on_there(searched, tmp_path, small_corpus, monkeypatch):
    other, _, _ = searched
    run = run_of(tmp_path, small_corpus, hp_num_trials=2)
    train, begun = training_run.train, []

    def with_interruption(*arguments, callbacks=(), **further):
        begun.append(further["identity"])
        return train(*arguments, callbacks=[*callbacks, interruption], **further)

    interruption = Interruption(UPDATES_OF_A_TRIAL + 3)
    monkeypatch.setattr(training_run, "train", with_interruption)
    with pytest.raises(KeyboardInterrupt):
        do_run(run)
    states = run.paths.trial(2).states
    assert [path.name for path in states.glob("state-*")] == ["state-00000002"]
    interruption = Interruption(0)
    assert do_run(run) is Outcome.TRAINED
    assert [identity.partition(", ")[2] for identity in begun] == ["trial 1", "trial 2", "trial 2", ""]
    assert not states.exists()
    without_time = [table(each).drop(columns="seconds") for each in (run, other)]
    pd.testing.assert_frame_equal(*without_time, check_exact=True)
    logs = [pd.read_csv(each.paths.log).drop(columns="seconds") for each in (run, other)]
    pd.testing.assert_frame_equal(*logs, check_exact=True)
    for one, same in zip(
        *(load_classifier(each.paths.model).get_weights() for each in (run, other)), strict=True
    ):
        np.testing.assert_array_equal(one, same)
