"""Which trials a search makes, that an interrupted one makes the same, and what it leaves."""

import json
from itertools import chain

import numpy as np
import pandas as pd
import pytest

from kser.errors import UserError
from kser.experiment.config import halving
from kser.experiment.config.search_space import Choice, Range, SearchSpace
from kser.experiment.execution.run_fingerprint import run_fingerprint
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.search.oracles import (
    OBJECTIVE,
    create_oracle,
    drawn_trials,
    end_trial,
    initial_points,
    oracle_seed,
)
from kser.experiment.search.searching import SearchFailedError, forget_search
from kser.experiment.search.share_of_speakers import searched_share
from kser.experiment.search.trial_runner import TrialFailedError, best_evaluation, is_out_of_memory
from kser.files import read_json
from kser.pipeline.reading import WaveformReader
from kser.training.objectives import ValidationMetric
from tests.experiment.searching_runs import FORMAT, Judge, run_of, search_with, table


@pytest.mark.thorough
@pytest.mark.parametrize(("method", "trials"), [("random", 4), ("bayesian", 4), ("hyperband", 6)], ids=str)
def test_an_interrupted_search_makes_the_same_trials(tmp_path, small_corpus, method, trials):
    model = {"hp_search_method": method, "number_of_training_epochs": 3}
    whole = run_of(tmp_path / "whole", small_corpus, model, hp_num_trials=4)
    found = search_with(Judge(), whole)
    cut = run_of(tmp_path / "cut", small_corpus, model, hp_num_trials=4)
    with pytest.raises(KeyboardInterrupt):
        search_with(Judge(interrupted_at=trials - 1), cut)
    continued = Judge()
    again = search_with(continued, cut)
    assert continued.trained == [trials - 1, trials]
    pd.testing.assert_frame_equal(table(cut), table(whole), check_exact=True)
    assert len(table(whole)) == trials
    assert again.run.model == found.run.model
    assert again.summary["best"] == found.summary["best"]
    best = table(whole).sort_values("val_uar", ascending=False, kind="stable").iloc[0]
    assert found.run.model.learning_rate == best["learning_rate"]
    assert found.run.model.number_of_training_epochs == 3


@pytest.mark.thorough
def test_a_search_that_ended_is_not_done_again(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus)
    first = search_with(Judge(), run)
    nobody = Judge()
    assert search_with(nobody, run).summary == first.summary
    assert nobody.trained == []


@pytest.mark.thorough
def test_the_best_is_the_lowest_loss_and_the_highest_measure(tmp_path, small_corpus):
    for metric, best in (("loss", "min"), ("accuracy", "max")):
        run = run_of(tmp_path / metric, small_corpus, {"best_metric": metric})
        found = search_with(Judge(), run)
        assert found.summary["best"]["objective"] == getattr(table(run)[f"val_{metric}"], best)()


def test_hyperband_trains_few_candidates_for_long(tmp_path, small_corpus):
    model = {"hp_search_method": "hyperband", "number_of_training_epochs": 9}
    run = run_of(tmp_path, small_corpus, model)
    search_with(Judge(), run)
    counts = table(run)["epochs"].value_counts().to_dict()
    expected: dict[int, int] = {}
    for size, epochs in chain.from_iterable(halving.brackets(9)):
        expected[epochs] = expected.get(epochs, 0) + size
    assert counts == expected
    assert sum(counts.values()) == halving.trials(9)
    different = table(run).drop_duplicates(["learning_rate", "use_relu"])
    assert len(different) == halving.first_draws(9)


def test_no_candidate_twice_at_random(tmp_path):
    space = SearchSpace((Choice("lora_rank", (1, 2, 4)),))
    oracle = create_oracle("random", space, True, 5, 1, 0, tmp_path / "oracle.json", "identity")
    drawn = []
    for trial in drawn_trials(oracle):
        drawn.append(trial.hyperparameters.values["lora_rank"])
        end_trial(oracle, trial, None, "failed")
    assert sorted(drawn) == [0, 1, 2]


@pytest.mark.parametrize("method", ["random", "bayesian", "hyperband"])
def test_an_oracle_goes_on_after_each_trial_as_if_the_process_had_not_ended(tmp_path, method):
    space = SearchSpace((Range("learning_rate", 1e-4, 1e-2, "log", whole=False),))

    def values(file, restarts):
        """What is drawn, by an oracle that is read from its file anew before each trial."""
        drawn = []
        oracle = create_oracle(method, space, True, 6, 9, 0, tmp_path / file, "identity")
        while trial := next(drawn_trials(oracle), None):
            drawn.append(trial.hyperparameters.values["learning_rate"])
            end_trial(oracle, trial, {OBJECTIVE: -(drawn[-1] ** 2)})
            if restarts:
                oracle = create_oracle(method, space, True, 6, 9, 0, tmp_path / file, "identity")
        return drawn

    whole = values("whole.json", restarts=False)
    assert len(whole) >= 6
    assert values("restarted.json", restarts=True) == whole


def test_seeds_of_oracles_are_far_apart_and_never_none():
    seeds = sorted(oracle_seed(seed) for seed in range(200))
    assert seeds[0] > 0
    assert np.diff(seeds).min() > 100


@pytest.mark.parametrize(("trials", "dimensions", "points"), [(4, 1, 2), (9, 1, 3), (30, 1, 3), (30, 6, 10)])
def test_a_bayesian_search_of_few_trials_is_no_random_one(trials, dimensions, points):
    assert initial_points(trials, dimensions) == points


@pytest.mark.parametrize("method", ["random", "hyperband"])
def test_when_all_trials_fail_the_next_start_searches_anew(tmp_path, small_corpus, method):
    model = {"hp_search_method": method, "number_of_training_epochs": 3}
    run = run_of(tmp_path, small_corpus, model, hp_num_trials=6)
    for _ in range(2):
        judge = Judge(error=TrialFailedError("the loss went up\nand up"))
        with pytest.raises(SearchFailedError, match=r"all 6 trials of .*trials\.csv; the last one: the loss"):
            search_with(judge, run)
        assert judge.trained == [1, 2, 3, 4, 5, 6]
        assert list(table(run)["message"]) == ["the loss went up"] * 6
        assert list(table(run)["status"]) == ["failed"] * 6


def test_any_other_error_stops_the_search_and_the_trial_is_tried_again(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus, hp_num_trials=2)
    with pytest.raises(UserError, match=r"^no such layer$"):
        search_with(Judge(error=UserError("no such layer")), run)
    stored = read_json(run.paths.searching / "oracle.json")
    assert [trial["status"] for trial in stored["trials"]] == ["RUNNING"]
    judge = Judge()
    search_with(judge, run)
    assert judge.trained == [1, 2]


def test_a_trial_for_which_memory_is_too_small_failed(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus, hp_num_trials=2)
    judge, full = Judge(), Judge(error=RuntimeError("RESOURCE_EXHAUSTED: Out of memory\nwhile allocating"))

    def train_trial(run, parts, identity, progress):
        return (full if identity.endswith("1") else judge)(run, parts, identity, progress)

    assert search_with(train_trial, run).summary["failed"] == 1
    assert table(run)["message"][0] == "out of memory: RESOURCE_EXHAUSTED: Out of memory while allocating"


@pytest.mark.parametrize(
    ("values", "higher", "best"),
    [
        ([0.9, 0.2, 0.7, 0.7], True, (4, 0.7)),
        ([0.1, 0.4, 0.3, 0.5], False, (4, 0.3)),
        ([0.9, None, float("inf"), 0.2], True, (6, 0.2)),
        ([0.9, None, None, None], True, None),
    ],
)
def test_what_was_before_the_first_update_does_not_count(tmp_path, values, higher, best):
    log = tmp_path / "log.csv"
    pd.DataFrame({"step": [0, 2, 4, 6], "val_uar": values}).to_csv(log, index=False)
    assert best_evaluation(log, ValidationMetric("uar", "uar", higher)) == best


def test_out_of_memory_of_any_backend():
    torch_error = type("OutOfMemoryError", (RuntimeError,), {})
    tensorflow_error = type("ResourceExhaustedError", (Exception,), {})
    for error in (MemoryError(), torch_error("x"), tensorflow_error("x"), RuntimeError("CUDA out of memory")):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("shapes (2, 3) and (4,)"))


def test_the_state_of_another_search_is_refused(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus, hp_num_trials=1)
    search_with(Judge(), run)
    file = run.paths.searching / "oracle.json"
    file.write_text(json.dumps({**read_json(file), "identity": "another"}))
    with pytest.raises(UserError, match=r"oracle\.json: belongs to a search with other settings"):
        search_with(Judge(), run)
    forget_search(run)
    search_with(Judge(), run)


def share_of(run, data=None):
    data = data or load_run_data(run)
    training = data.utterances("train", WaveformReader(FORMAT, None))
    share = searched_share(run, data, training)
    return data.rows("train"), data.rows("train").iloc[list(share.positions)], share


def test_the_share_is_of_whole_speakers_of_both_genders(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus, hp_amount_of_training_data=0.3)
    training, chosen, share = share_of(run)
    speakers = training["actor"].nunique()
    assert chosen["actor"].nunique() == int(np.ceil(0.3 * speakers)) < speakers
    whole = training[training["actor"].isin(chosen["actor"])]
    assert share.paths == list(whole["path"]) == list(chosen["path"])
    assert set(chosen["gender"]) == set(training["gender"])
    assert len(share.targets) == len(share.lengths) == len(share)
    assert list(share_of(run)[1].index) == list(chosen.index)


def test_no_class_is_lost_by_the_share(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus, hp_amount_of_training_data=0.01)
    data = load_run_data(run)
    # Every speaker but two has a single emotion.
    training = data.rows("train")
    _, second, *others = sorted(training["actor"].unique())
    rare = data.labels[-1]
    keep = ~training["actor"].isin(others) | (training["class_id"] == data.labels[0])
    keep &= (training["class_id"] != rare) | (training["actor"] == second)
    left = training[keep].index.union(data.rows("validation").index)
    small = type(data)(**{**vars(data), "table": data.table.loc[left], "parts": data.parts[left]})
    small = type(data)(**{**vars(small), "values": data.values.loc[left]})
    _, chosen, _ = share_of(run, small)
    assert set(chosen["class_id"]) == set(training["class_id"])
    assert second in set(chosen["actor"])


def test_where_speakers_are_shared_the_share_is_of_utterances(tmp_path, small_corpus):
    run = run_of(
        tmp_path, small_corpus, {"speaker_independent_scenario": False}, hp_amount_of_training_data=0.3
    )
    training, chosen, _ = share_of(run)
    for name, count in training["class_id"].value_counts().items():
        assert (chosen["class_id"] == name).sum() == np.ceil(0.3 * count)


def test_the_fingerprint_knows_the_search(tmp_path, small_corpus):
    def fingerprint(folder: str, model: dict | None = None, **experiment) -> str:
        run = run_of(tmp_path / folder, small_corpus, model, **experiment)
        return run_fingerprint(run, load_run_data(run))

    same = fingerprint("a")
    assert fingerprint("b") == same
    others = [
        fingerprint("c", hp_num_trials=3),
        fingerprint("d", hp_amount_of_training_data=0.4),
        fingerprint("e", hp_number_of_training_epochs=1),
        fingerprint("f", {"hp_search_method": "bayesian"}),
        fingerprint("g", {"hp_search_space": {"use_relu": {"values": [True, False]}}}),
    ]
    assert len({same, *others}) == 6
