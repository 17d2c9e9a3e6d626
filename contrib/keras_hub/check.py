"""Run the contribution's own tests, keras-hub's `TestCase` checks: `python -m contrib.keras_hub.check`.

They run in a copy of the installed keras-hub, on each backend in a process of its own. Those that need the
network are left out.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from contrib.keras_hub.overlay import make_overlay

BACKENDS = ("jax", "tensorflow", "torch")


def failing_backends(backends: Sequence[str], only: str = "") -> list[str]:
    """Run the tests, with pytest's report on standard output.

    Args:
        backends: names as `KERAS_BACKEND` takes them.
        only: what the names of the test files hold; empty for all.

    Returns:
        The backends on which a test failed.
    """
    with tempfile.TemporaryDirectory(prefix="keras_hub_") as folder:
        tests = [path for path in make_overlay(Path(folder)) if only in path.name]
        return [backend for backend in backends if not pass_on(backend, tests, Path(folder))]


def pass_on(backend: str, tests: Sequence[Path], overlay: Path) -> bool:
    """Whether the tests pass on a backend."""
    print(f"+ {len(tests)} files of tests on {backend}", flush=True)
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(overlay)}
    command = [sys.executable, "-m", "pytest", "-m", "not extra_large", "-c", str(overlay / "pytest.ini")]
    done = subprocess.run([*command, *map(str, tests)], cwd=overlay, env=environment, check=False)
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the contribution's tests in a copy of keras-hub.")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="default: all installed")
    parser.add_argument("--only", default="", help="part of the names of the test files")
    options = parser.parse_args()
    backends = options.backend or [name for name in BACKENDS if find_spec(name)]
    if failing := failing_backends(backends, options.only):
        sys.exit(f"tests fail on {', '.join(failing)}")


if __name__ == "__main__":
    main()
