"""Compiling a model for the lengths that come, before anybody waits for it."""

from collections.abc import Iterator

import numpy as np

from kser.audio.decoding import Sound
from kser.serving.http.batches import BATCHED_S
from kser.serving.http.limits import Limits
from kser.serving.loaded_model import padded_length
from kser.serving.predictor import Predictor

# Recordings up to this length find their program compiled; the first of a greater length waits for it.
_COMPILED_S = 16.0


def shapes_to_compile(predictor: Predictor, limits: Limits) -> list[tuple[int, int]]:
    """The batches that are likely to come: places, and samples that each is padded to."""
    rate, shortest = predictor.sampling_rate, predictor.ensemble.first.format.minimum_samples
    longest = round(min(_COMPILED_S, limits.max_seconds) * rate)
    lengths = [length for length in _padded_lengths(longest) if length >= shortest]
    batched = padded_length(round(BATCHED_S * rate))
    shapes = [(1, length) for length in lengths]
    places = 2
    while places <= limits.max_batch:
        shapes += [(places, length) for length in lengths if length <= batched]
        places *= 2
    return shapes


def compile_shape(predictor: Predictor, places: int, samples: int) -> None:
    """Have the model say something of noise, which compiles it."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=(samples, 1)).astype(np.float32)
    predictor.predict_sounds([("noise", Sound(noise, predictor.sampling_rate))] * places, places=places)


def _padded_lengths(longest: int) -> Iterator[int]:
    length = padded_length(1)
    while length < padded_length(longest):
        yield length
        length = padded_length(length + 1)
    yield length
