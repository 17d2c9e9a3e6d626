"""Studies give back what they held: memory, threads, open files, shared memory; so do their readers."""

import json
import os
import subprocess
import sys

import pytest

from tests.pages import ROOT

PROGRAM = ROOT / "eval" / "benchmarks" / "study_memory.py"


@pytest.mark.slow
@pytest.mark.parametrize("data_workers", [0, 2])
def test_a_round_of_studies_leaves_nothing(tmp_path, data_workers):
    """Each round is four models, one with a search, one with kept features, two lengths, all evaluated."""
    file = tmp_path / "held.json"
    command = [sys.executable, str(PROGRAM), "--rounds", "4", "--seeds", "1"]
    command += ["--data_workers", str(data_workers), "--json", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    rounds = [row for row in json.loads(file.read_text()) if row["after"].startswith("round")]
    *_, before, last = rounds
    for what in ("threads", "open files", "shared segments"):
        assert last[what] <= before[what], rounds
    # Of what a round needs for itself, some 600 MB, this is what allocators do not give back at once.
    assert last["MB"] - before["MB"] < 30, rounds
