"""Compare the built backbones with kser's and with transformers: `python -m contrib.keras_hub.compare`.

Checkpoints in the Hugging Face layout are loaded by the contribution in a copy of keras-hub, written as
presets and read again. Their hidden states, of a padded batch and of an utterance without padding, are
compared with those of kser and with those that `transformers` gives: stored ones of the small checkpoints in
tests/golden, or computed (extra `torch`) for other folders.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contrib.keras_hub.overlay import make_overlay

REPOSITORY = Path(__file__).parents[2]
GOLDEN = (
    "group_norm",
    "group_norm_stable",
    "layer_norm",
    "layer_norm_post",
    "no_mask_embedding",
    "old_weight_norm",
    "with_head",
    "hubert",
    "hubert_large",
    "hubert_without_projection_norm",
    "hubert_batch_norm",
    "wavlm",
    "wavlm_large",
)
"""The small checkpoints of the three families."""


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the built backbones with kser and transformers.")
    golden = [REPOSITORY / "tests" / "golden" / name for name in GOLDEN]
    parser.add_argument("folder", nargs="*", type=Path, help="checkpoints; default: those of tests/golden")
    parser.add_argument("--backend", default="jax", choices=("jax", "tensorflow", "torch"))
    options = parser.parse_args()
    folders = [folder.resolve() for folder in options.folder] or golden
    if not is_equal(options.backend, folders):
        sys.exit("hidden states differ by more than rounding")


if __name__ == "__main__":
    main()
