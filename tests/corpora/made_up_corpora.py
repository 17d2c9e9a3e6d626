"""Small trees in the layout of a published corpus, whose recordings can be heard."""

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile as sf

from kser.corpora.recipe import AUDIO_SUFFIXES

SAMPLING_RATE = 16_000
SAMPLES = 400


def write_recording(path: Path, seed: int | None = None, samples: int = SAMPLES) -> None:
    """A short noise, another one for each name (or seed)."""
    rng = np.random.default_rng(zlib.crc32(path.name.encode()) if seed is None else seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, rng.uniform(-0.5, 0.5, samples), SAMPLING_RATE)


def write_tree(folder: Path, files: Iterable[str]) -> Path:
    """Write files below a folder: recordings where the suffix says so, else a few bytes."""
    for name in files:
        path = folder / name
        if path.suffix.lower() in AUDIO_SUFFIXES:
            write_recording(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no sound")
    return folder
