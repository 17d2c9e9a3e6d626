"""Studies give back what they held: memory, threads, open files, shared memory; so do their readers."""

import json
import os
import subprocess
import sys

import pytest

from tests.pages import ROOT

PROGRAM = ROOT / "eval" / "benchmarks" / "study_memory.py"


@pytest.mark.slow
@pytest.mark.parametrize("data_workers", [0, 2], ids=["in_threads", "in_processes"])
def test_a_round_of_studies_leaves_nothing(tmp_path, data_workers):
    """Each round is four models, one with a search, one with kept features, two lengths, all evaluated."""
    file = tmp_path / "held.json"
    command = [sys.executable, str(PROGRAM), "--rounds", "3", "--seeds", "1"]
    command += ["--data_workers", str(data_workers), "--json", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    rounds = [row for row in json.loads(file.read_text()) if row["after"].startswith("round")]
    _, second, last = rounds  # what the first one loads stays
    for what in ("open files", "shared segments"):
        assert last[what] <= second[what], rounds
    assert last["threads"] - second["threads"] <= 3, rounds  # some are about to end; a round starts dozens
    # Allocators give back now more and now less: rounds left between -38 and 33 MB.
    assert last["MB"] - second["MB"] < 60, rounds
