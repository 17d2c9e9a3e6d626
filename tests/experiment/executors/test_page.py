"""What docs/clusters.md shows is what runs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.experiment.conftest import write_experiment
from tests.page_output import assert_printed
from tests.pages import ROOT, blocks

pytestmark = pytest.mark.thorough
CHECK, LOCAL, RAY, SLURM = blocks("docs/clusters.md", "sh")
(PYTHON,) = blocks("docs/clusters.md", "python")
(MODEL,) = blocks("docs/clusters.md", "json")
CHECKED, TRAINED, SCRIPTS = blocks("docs/clusters.md", "text")


@pytest.fixture
def run(tmp_path, small_corpus, monkeypatch):
    """Runs commands as a shell does, in a folder with a study of two seeds."""
    corpus = {"name": "EmoDB", "data_csv": str(small_corpus)}
    study = {"experiment_name": "EmoDB_log_mel", "training_dataset": corpus}
    write_experiment(tmp_path, small_corpus, ["log_mel"], cross_validation=2, **study)
    commands = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def summary(folder: Path) -> pd.DataFrame:
    """The means over seeds that the study has come to."""
    (path,) = (folder / "results").rglob("summary.csv")
    return pd.read_csv(path)


def test_processes_of_one_machine(run, tmp_path):
    assert_printed(CHECKED, run(CHECK), tmp_path)
    assert_printed(TRAINED, run(LOCAL), tmp_path)
    assert list(summary(tmp_path)["runs"]) == [2]


def test_a_python_program(run, tmp_path):
    (tmp_path / "program.py").write_text(PYTHON)
    assert "log_mel" in run("python program.py")
    assert list(summary(tmp_path)["runs"]) == [2]


def test_an_array_of_slurm(run, tmp_path, sbatch):
    printed, submitted = (run(command) for command in SLURM.splitlines())
    assert_printed(SCRIPTS, printed, tmp_path)
    assert "#SBATCH --array=0-1%20" in printed
    assert "#SBATCH --partition=gpu --time=4:00:00" in printed
    assert "job 2 evaluates after that" in submitted
    assert list(summary(tmp_path)["runs"]) == [2]


def test_a_ray_cluster_that_is_there(run, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    start, train, stop = RAY.splitlines()
    assert stop == "ray stop"  # not run: it would end those of other tests
    # "auto" is this one, whatever other clusters there are.
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 2)
    with (tmp_path / "ray.txt").open("w") as printed:
        head = subprocess.Popen([*start.split(), "--block"], stdout=printed, stderr=printed, process_group=0)
    try:
        while "started" not in (tmp_path / "ray.txt").read_text():
            assert head.poll() is None, (tmp_path / "ray.txt").read_text()
            time.sleep(0.1)
        model = tmp_path / "models" / "log_mel.json"
        asked = json.loads(MODEL) | {"num_cpus": 2, "num_gpus": 0}  # there is no GPU here
        del asked["name"]
        model.write_text(json.dumps(json.loads(model.read_text()) | asked))
        run(train)
    finally:
        os.killpg(head.pid, signal.SIGTERM)
        head.wait()
    assert list(summary(tmp_path)["runs"]) == [2]
