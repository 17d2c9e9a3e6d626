"""Computing the features of all recordings of a run that are not in the cache yet."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.pipeline.feature_cache import FeatureCache
from kser.pipeline.reading import Progress, WaveformReader

# Lengths to pad to in each doubling of the length, so that few shapes are compiled.
_LENGTHS_IN_AN_OCTAVE = 4
_LEAST_SAMPLES = 8192
_READ_AHEAD = 16

Encoder = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From one padded waveform (1, samples) and its mask to features (1, frames, channels) and their mask."""


def compute_missing(
    cache: FeatureCache,
    reader: WaveformReader,
    paths: Sequence[str],
    encoder: Encoder,
    progress: Progress | None = None,
) -> int:
    """Give the cache the features of all recordings.

    Each recording is computed by itself, at a padding that follows from its length and the model: what is
    stored does not depend on the others.

    Args:
        cache: what is there and whole is not computed.
        reader: how recordings are read.
        paths: audio files.
        encoder: computes features; it is called only in this thread.
        progress: shows how far it is.

    Returns:
        How many were computed.

    Raises:
        UserError: a file cannot be read, or the features cannot be written.
    """
    distinct = list(dict.fromkeys(paths))
    computed = 0

    def in_order() -> Iterator[int | UserError]:
        nonlocal computed
        for path, waveform in _read_missing(cache, reader, distinct):
            if waveform is not None:
                cache.put(path, _features(cache, waveform, encoder))
                computed += 1
            yield 1

    for _ in progress(in_order(), len(distinct)) if progress else in_order():
        pass
    return computed


def _read_missing(
    cache: FeatureCache, reader: WaveformReader, paths: Sequence[str]
) -> Iterator[tuple[str, np.ndarray | None]]:
    """Each file with its waveform, or `None` if its features are there; threads read a little ahead."""

    def waveform_of(path: str) -> tuple[str, np.ndarray | None]:
        return path, None if cache.get(path) is not None else reader(path)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, len(paths), _READ_AHEAD):
            yield from threads.map(waveform_of, paths[start : start + _READ_AHEAD])


def _features(cache: FeatureCache, waveform: np.ndarray, encoder: Encoder) -> np.ndarray:
    """The features of the valid frames, (frames, channels)."""
    waveforms, mask = model_inputs(
        [waveform],
        do_normalize=cache.format.do_normalize,
        mask_padding=True,
        samples=_padded_samples(len(waveform), cache.padded_samples),
    )
    features, frame_mask = encoder(waveforms, mask)
    return features[0][frame_mask[0]]


def _padded_samples(samples: int, by_the_model: int | None) -> int:
    """What the model pads a recording to by itself, if it does; else the next length of four a doubling."""
    if by_the_model is not None and samples <= by_the_model:
        return by_the_model
    octave = max(_LEAST_SAMPLES, 1 << (samples - 1).bit_length()) // 2
    grid = octave // _LENGTHS_IN_AN_OCTAVE
    return max(_LEAST_SAMPLES, -(-samples // grid) * grid)
