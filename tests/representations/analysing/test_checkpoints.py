"""Which place a store has among others."""

import pytest

from kser.errors import UserError
from kser.representations.analysing.checkpoints import found_checkpoints, trajectories
from tests.representations.analysing.made_up import metadata, noise, run_facts, write_store


@pytest.fixture
def table(tmp_path):
    (tmp_path / "audio").mkdir()
    return metadata(tmp_path / "audio")


def test_states_of_a_run_are_in_the_order_of_updates_and_the_best_is_last(tmp_path, table):
    layers = {0: noise(table, 0)}
    for name, run in {
        "a": run_facts(0, 90, is_best=True),
        "b": run_facts(0, 100),
        "c": run_facts(0, 20),
        "d": run_facts(0, 0),
        "e": run_facts(10, 0),
        "f": run_facts(2, 0),
        "pretrained": None,
    }.items():
        write_store(tmp_path / "states" / name, table, layers, run)
    runs = trajectories(found_checkpoints([tmp_path / "states"]))
    assert [[(each.model, each.seed, each.stage) for each in run] for run in runs] == [
        [("pretrained", "", "0")],
        [("tiny", "0", stage) for stage in ("0", "20", "100", "best")],
        [("tiny", "2", "0")],
        [("tiny", "10", "0")],
    ]
    assert [each.name for each in runs[1]] == [
        f"tiny, seed 0, {stage}" for stage in ("start", "update 20", "update 100", "best")
    ]


def test_models_of_two_experiments_have_its_name(tmp_path, table):
    for name in ("one", "two"):
        write_store(tmp_path / name, table, {0: noise(table, 0)}, run_facts(0, 1) | {"experiment": name})
    found = found_checkpoints([tmp_path / "one", tmp_path / "two"])
    assert [each.model for each in found] == ["one/tiny", "two/tiny"]


def test_a_store_that_is_given_twice_counts_once_and_a_second_of_the_same_place_is_refused(tmp_path, table):
    first = write_store(tmp_path / "states" / "a", table, {0: noise(table, 0)}, run_facts(0, 1))
    assert len(found_checkpoints([first, tmp_path / "states"])) == 1
    second = write_store(tmp_path / "b", table, {0: noise(table, 0)}, run_facts(0, 1))
    with pytest.raises(UserError, match="the same model, seed and updates"):
        found_checkpoints([first, second])


def test_folders_without_stores_are_told(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: folder not found; kser embed makes them"):
        found_checkpoints([tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"holds no hidden states, nor do the folders in it"):
        found_checkpoints([tmp_path])
    with pytest.raises(UserError, match=r"no store given"):
        found_checkpoints([])
