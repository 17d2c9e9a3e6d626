"""Compare the built backbones with kser's and with transformers: `python -m contrib.keras_hub.compare`.

Checkpoints in the Hugging Face layout are loaded by the contribution in a copy of keras-hub, written as
presets and read again. Their hidden states, of a padded batch and of an utterance without padding, are
compared with those of kser and with those that `transformers` gives: stored ones of the small checkpoints in
tests/golden, or computed (extra `torch`) for other folders.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contrib.keras_hub.overlay import make_overlay

REPOSITORY = Path(__file__).parents[2]
FAMILIES = ("wav2vec2", "hubert", "wavlm")


def is_equal(backend: str, folders: Sequence[Path]) -> bool:
    """Compare on a backend, with a line for each folder on standard output.

    Args:
        backend: as `KERAS_BACKEND` takes it.
        folders: checkpoints.
    """
    with tempfile.TemporaryDirectory(prefix="keras_hub_") as overlay:
        make_overlay(Path(overlay))
        path = os.pathsep.join([overlay, str(REPOSITORY)])
        environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": path}
        command = [sys.executable, "-m", "contrib.keras_hub.compare_states", *map(str, folders)]
        return subprocess.run(command, cwd=overlay, env=environment, check=False).returncode == 0


def small_checkpoints() -> list[Path]:
    """Those of the three families in tests/golden."""
    configs = sorted((REPOSITORY / "tests" / "golden").glob("*/config.json"))
    return [path.parent for path in configs if json.loads(path.read_text())["model_type"] in FAMILIES]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the built backbones with kser and transformers.")
    parser.add_argument("folder", nargs="*", type=Path, help="checkpoints; default: those of tests/golden")
    parser.add_argument("--backend", default="jax", choices=("jax", "tensorflow", "torch"))
    options = parser.parse_args()
    folders = [folder.resolve() for folder in options.folder] or small_checkpoints()
    if not is_equal(options.backend, folders):
        sys.exit("hidden states differ by more than rounding")


if __name__ == "__main__":
    main()
