"""A run that processes do together is the run of one process, whatever becomes of them on the way."""

import json

import numpy as np
import pytest

from kser.experiment.config.loading import load_experiment
from kser.experiment.study.study import train_experiment
from tests.experiment.execution.studies_in_processes import (
    KILLED_STATUS,
    PROCESSES,
    do_in_processes,
    write_studies,
)
from tests.experiment.results import assert_equal, results

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def studies(tmp_path_factory, small_corpus):
    folder = tmp_path_factory.mktemp("processes")
    write_studies(folder, small_corpus)
    train_experiment(load_experiment(folder / "one" / "experiment.json"))
    refused = ("too few devices", "small batches", "other files")
    ended = do_in_processes(folder, *refused, "two", "killed")
    assert ended[0].returncode == KILLED_STATUS, ended[0].stdout
    # JAX ends the others of one that dies.
    assert ended[1].returncode not in (0, KILLED_STATUS), ended[1].stdout
    for process in do_in_processes(folder, "killed", as_step=True):
        assert process.returncode == 0, process.stdout
    return folder


def errors(studies, study):
    """What went wrong in each process."""
    files = [studies / study / f"process_{number}.json" for number in range(PROCESSES)]
    return [json.loads(file.read_text()) for file in files]


def test_weights_are_those_of_one_process(studies):
    expected, found = (
        results(studies / "one" / "experiment.json"),
        results(studies / "two" / "experiment.json"),
    )
    assert expected.keys() == found.keys()
    for part in ("model", "task"):
        file = f"results/small/log_mel/seed_0/model/{part}.weights.h5"
        for name, (kind, _, values) in expected[file].items():
            one, two = (np.frombuffer(array, kind) for array in (values, found[file][name][2]))
            np.testing.assert_allclose(two, one, atol=1e-6, err_msg=name)


def test_killed_and_gone_on_with_it_ends_the_same_to_the_bit(studies):
    assert_equal(studies / "killed" / "experiment.json", results(studies / "two" / "experiment.json"))


def test_the_model_says_how_many_devices_made_it(studies):
    provenance = studies / "two" / "results" / "small" / "log_mel" / "seed_0" / "model" / "kser.json"
    assert json.loads(provenance.read_text())["training"]["devices"] == [PROCESSES]


def test_others_say_nothing_where_all_is_well(studies):
    assert errors(studies, "two") == errors(studies, "killed") == [None, None]


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("too few devices", "devices: 3 asked for, and the 2 processes have 2 together"),
        ("small batches", "a batch of 1 utterances leaves nothing to some of 2 devices of 2 processes"),
        ("other files", "are not those of process 0"),
    ],
)
def test_the_first_process_says_what_is_wrong(studies, study, said):
    first, other = errors(studies, study)
    assert said in first
    assert other == ""
