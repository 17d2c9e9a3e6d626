"""A search on a backend other than JAX."""

import os
import subprocess
import sys

import pytest

from kser.experiment.runs.trained_model import load_provenance
from tests.experiment.searching_runs import run_of, table


@pytest.mark.slow
def test_a_search_on_pytorch(tmp_path, small_corpus):
    pytest.importorskip("torch")
    run = run_of(tmp_path, small_corpus, {"number_of_training_epochs": 1}, hp_num_trials=2)
    command = ["train", "--experiment-file", str(run.experiment.source)]
    done = subprocess.run(
        [sys.executable, "-c", "from kser.cli import main; main()", *command],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert list(table(run)["status"]) == ["completed"] * 2
    assert load_provenance(run.paths.model).backend == "torch"
