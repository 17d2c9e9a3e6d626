"""Compiling a model for the batches that come, before anybody waits for it."""

import time
from collections.abc import Iterator

import numpy as np

from kser.serving.decoding import UsableSound
from kser.serving.http.batches import BATCHED_S
from kser.serving.predictor import Predictor

# Recordings up to this length find their program compiled; the first of a greater length waits for it.
_COMPILED_S = 16.0
# On few processors a large model takes as long for a batch as for its recordings one by one. Then it is not
# worth compiling a program for each size of a batch and each length.
_TRIED_S = 2.0
_LEAST_TIMES, _LEAST_S = 3, 0.5
_WORTH = 0.9
USUAL_BATCH = 8

Shape = tuple[int, int]
"""Recordings of a batch, and samples that each is padded to."""


def shapes_of_one(predictor: Predictor, longest_s: float) -> list[Shape]:
    """Of single recordings, as far as their lengths are usual."""
    return [(1, samples) for samples in _padded_lengths(predictor, min(_COMPILED_S, longest_s))]


def shapes_of_batches(predictor: Predictor, longest_s: float, most: int) -> list[Shape]:
    """Of all batches of several recordings, `most` at most."""
    lengths = list(_padded_lengths(predictor, min(BATCHED_S, longest_s)))
    return [(1 << power, samples) for power in range(1, most.bit_length()) for samples in lengths]


def compile_shape(predictor: Predictor, shape: Shape) -> None:
    """Have the model say something of noise, which compiles it."""
    places, samples = shape
    noise = np.random.default_rng(0).normal(scale=0.1, size=(samples, 1)).astype(np.float32)
    predictor.predict_sounds([("noise", UsableSound(noise, predictor.sampling_rate))] * places, places)


def batches_pay(predictor: Predictor, places: int) -> bool:
    """Whether a batch of so many recordings takes less time than they do one by one."""
    samples = round(_TRIED_S * predictor.sampling_rate)
    alone, together = (_seconds(predictor, (count, samples)) for count in (1, places))
    return together < _WORTH * places * alone


def _seconds(predictor: Predictor, shape: Shape) -> float:
    """The shortest time that a compiled batch took: what else runs on the machine makes it longer."""
    compile_shape(predictor, shape)
    taken: list[float] = []
    while len(taken) < _LEAST_TIMES or sum(taken) < _LEAST_S:
        started = time.perf_counter()
        compile_shape(predictor, shape)
        taken.append(time.perf_counter() - started)
    return min(taken)


def _padded_lengths(predictor: Predictor, longest_s: float) -> Iterator[int]:
    model = predictor.ensemble.first
    longest = model.padded_length(round(longest_s * predictor.sampling_rate))
    length = 0
    while length < longest:
        length = model.padded_length(length + 1)
        if length >= model.format.minimum_samples:
            yield length
