"""Which utterances are compared: those of all stores, of speakers whom no model was trained on."""

import numpy as np
import pytest

from kser.corpora.metadata import content_keys
from kser.errors import UserError
from kser.representations.analysing.checkpoints import found_checkpoints
from kser.representations.analysing.utterances import common_utterances
from tests.representations.analysing.made_up import metadata, noise, run_facts, write_known, write_store


@pytest.fixture
def table(tmp_path):
    (tmp_path / "audio").mkdir()
    return metadata(tmp_path / "audio")


def test_rows_follow_the_recordings_in_whatever_order_stores_have_them(tmp_path, table):
    vectors = noise(table, 0)
    other = table.sample(frac=1, random_state=0).iloc[5:]
    write_store(tmp_path / "a", table, {0: vectors})
    write_store(tmp_path / "b", other, {0: vectors[other.index]})
    checkpoints = found_checkpoints([tmp_path / "a", tmp_path / "b"])
    found = common_utterances(checkpoints, speaker="actor")
    a, b = (each.store.arrays[0][found.rows[each.store.folder]] for each in checkpoints)
    assert np.array_equal(a, b)
    assert len(found.table) == len(table) - 5
    assert found.notes == ["5 utterances left out that not all stores have"]


def test_speakers_whom_a_model_knows_are_left_out(tmp_path, table):
    known = table[table["actor"].isin(["s0", "s1"])]["path"].iloc[[0, -1]]
    store = write_store(tmp_path / "a", table, {0: noise(table, 0)}, run_facts(0, 10))
    write_known(store, content_keys(known))
    checkpoints = found_checkpoints([store])
    found = common_utterances(checkpoints, speaker="actor")
    assert set(found.table["actor"]) == {"s2", "s3", "s4", "s5"}
    assert found.notes == ["24 utterances of 2 speakers whom a model was trained on left out"]
    kept = common_utterances(checkpoints, speaker="actor", keep_known=True)
    assert len(kept.table) == len(table)
    assert kept.notes == ["utterances that a model was trained on are kept"]
    nameless = common_utterances(checkpoints, speaker="nobody")
    assert len(nameless.table) == len(table) - 2


def test_nothing_is_left_of_a_training_corpus(tmp_path, table):
    store = write_store(tmp_path / "a", table, {0: noise(table, 0)}, run_facts(0, 10))
    write_known(store, content_keys(table["path"]))
    with pytest.raises(
        UserError, match=r"nothing is left without utterances of 6 speakers whom .*: embed others, or give"
    ):
        common_utterances(found_checkpoints([store]), speaker="actor")


def test_recordings_that_are_gone_are_needed_to_tell_what_is_known(tmp_path, table):
    store = write_store(tmp_path / "a", table, {0: noise(table, 0)}, run_facts(0, 10))
    write_known(store, content_keys(table["path"].iloc[:1]))
    (tmp_path / "audio").rename(tmp_path / "elsewhere")
    checkpoints = found_checkpoints([store])
    with pytest.raises(UserError, match=r"s0_0_0.wav: .* not found; .* or give --keep-known"):
        common_utterances(checkpoints, speaker="actor")
    assert len(common_utterances(checkpoints, speaker="actor", keep_known=True).table) == len(table)


def test_what_is_not_known_is_told(tmp_path, table):
    store = write_store(tmp_path / "a", table, {0: noise(table, 0)}, run_facts(0, 10))
    (note,) = common_utterances(found_checkpoints([store]), speaker="actor").notes
    assert note.startswith("what 1 model learned from is not known: ")


def test_stores_of_different_recordings_have_nothing_in_common(tmp_path, table):
    write_store(tmp_path / "a", table.iloc[:5], {0: noise(table, 0)[:5]})
    write_store(tmp_path / "b", table.iloc[5:], {0: noise(table, 0)[5:]})
    with pytest.raises(UserError, match="no recording in common"):
        common_utterances(found_checkpoints([tmp_path / "a", tmp_path / "b"]), speaker="actor")
