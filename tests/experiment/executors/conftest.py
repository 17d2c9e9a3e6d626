"""A cluster for the tests of this folder."""

import os
import sys
from pathlib import Path

import pytest

SBATCH = Path(__file__).parent / "sbatch.py"


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """The stand-in on the path; gives the file in which it writes down what it did."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "sbatch"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SBATCH}" "{folder / "log.txt"}" "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    return folder / "log.txt"
