"""Programs in a process of their own: another backend, another library, memory that is given back."""

import os
import subprocess
import sys
from typing import Any

from kser.errors import UserError

_LAST_LINES = 5


def run_module(module: str, *arguments: Any, backend: str | None = None) -> None:
    """Run `python -m module` with arguments, quietly.

    Args:
        module: its name.
        *arguments: as they are written on a command line.
        backend: of Keras there; `None` for that of this process.

    Raises:
        UserError: it failed; the line holds the end of what it said.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if line.strip()][-_LAST_LINES:]
        raise UserError(f"{module} failed: {' · '.join(said) or f'status {ended.returncode}'}")
