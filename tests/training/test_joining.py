"""How many processes share a run, and what keeps them from it."""

import keras
import pytest

from kser.errors import UserError
from kser.training.joining import join, processes_here

STEP = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_NODELIST": "node[1-2]",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
}
GIVEN = {
    "KERAS_DISTRIBUTION_JOB_ADDRESSES": "host:1234",
    "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    "KERAS_DISTRIBUTION_PROCESS_ID": "1",
}


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    for name in (*STEP, *GIVEN, "JAX_COORDINATOR_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def given(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("variables", "count"), [({}, 1), (STEP, 4), (GIVEN, 2), (STEP | GIVEN, 2)])
def test_counts_those_that_were_started_together(monkeypatch, variables, count):
    given(monkeypatch, variables)
    assert processes_here() == count


def test_the_script_of_a_job_is_no_step(monkeypatch):
    given(monkeypatch, STEP)
    monkeypatch.delenv("SLURM_STEP_NODELIST")
    assert processes_here() == 1


@pytest.mark.skipif(keras.config.backend() != "jax", reason="another backend is refused first")
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("KERAS_DISTRIBUTION_NUM_PROCESSES", "two", "^KERAS_DISTRIBUTION_NUM_PROCESSES: .+, got two$"),
        ("KERAS_DISTRIBUTION_PROCESS_ID", "2", "^KERAS_DISTRIBUTION_PROCESS_ID: must be below .+, got 2$"),
        ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "host", "^KERAS_DISTRIBUTION_JOB_ADDRESSES: .+, got host$"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(monkeypatch, variable, value, said):
    given(monkeypatch, GIVEN | {variable: value})
    with pytest.raises(UserError, match=said):
        join()


def test_another_backend_is_refused_in_a_line(monkeypatch):
    given(monkeypatch, GIVEN)
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(UserError, match=r"^devices: 2 processes share a run on JAX only.+this is torch"):
        join()
