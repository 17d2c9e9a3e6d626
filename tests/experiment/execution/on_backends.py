"""Commands on a backend of choice."""

import os
import subprocess
import sys
from pathlib import Path


def train_on(backend: str, experiment: Path) -> None:
    """Train an experiment through the command line, in a process of its own."""
    command_on(backend, "train", str(experiment))


def command_on(backend: str, *arguments: str) -> None:
    """A command of `kser` that must succeed, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "from kser.cli import main; main()", *arguments],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{backend}:\n{done.stdout}\n{done.stderr}"
