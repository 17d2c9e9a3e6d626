"""A run that was killed and continued ends where one that was never killed ends, to the bit."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BACKENDS = [
    "jax",
    *(
        pytest.param(
            backend,
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(
                    importlib.util.find_spec(backend) is None, reason=f"{backend} is not installed"
                ),
            ],
        )
        for backend in ("tensorflow", "torch")
    ),
]


def run(folder, backend, kill_at=0):
    return subprocess.run(
        [sys.executable, "-m", "tests.training.small_run", str(folder), *([str(kill_at)] if kill_at else [])],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.thorough
@pytest.mark.parametrize("backend", BACKENDS)
def test_killed_and_continued_equals_uninterrupted(tmp_path, backend):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finished = run(whole, backend)
    assert finished.returncode == 0, finished.stderr
    # 3 batches after a further layer has joined: in the middle of an epoch, a stretch and an accumulation.
    assert run(killed, backend, kill_at=11).returncode == -signal.SIGKILL
    assert not (killed / "weights.npz").exists()
    continued = run(killed, backend)
    assert continued.returncode == 0, continued.stderr

    expected, got = np.load(whole / "weights.npz"), np.load(killed / "weights.npz")
    assert expected.files == got.files
    for name in expected.files:
        np.testing.assert_array_equal(got[name], expected[name])
    assert (killed / "result.txt").read_text() == (whole / "result.txt").read_text()
    logs = [pd.read_csv(folder / "log.csv").drop(columns="seconds") for folder in (whole, killed)]
    pd.testing.assert_frame_equal(*logs, check_exact=True)
