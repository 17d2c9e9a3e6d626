"""A run with mixed_bfloat16 trains, continues exactly, and its model is loaded as it was saved."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.test_resumption import BACKENDS


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_trains_continues_and_is_saved(tmp_path, backend):
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.mixed_precision_run", str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
