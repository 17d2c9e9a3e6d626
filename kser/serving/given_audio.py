"""What a user gives as audio: files, standard input, arrays with or without their rate."""

import numbers
from pathlib import Path
from typing import Any

import numpy as np

from kser.audio.decoding import Sound, decode, decode_bytes
from kser.errors import UserError
from kser.serving.recordings import STANDARD_INPUT, standard_input


def is_file(audio: Any) -> bool:
    """Whether a file was given; standard input counts as one."""
    return isinstance(audio, str | Path)


def sound_of(name: str, audio: Any, rate: int) -> Sound:
    """What a user gave as decoded audio.

    Args:
        name: what messages call it.
        audio: a file, an array, or a pair of an array and its rate; see `Predictor.predict`.
        rate: Hz of an array without one.

    Raises:
        UserError: it cannot be read, or is no sound.
    """
    if is_file(audio):
        if str(audio) == STANDARD_INPUT:
            return decode_bytes(standard_input(), "standard input")
        return decode(audio)
    if isinstance(audio, tuple) and len(audio) == 2 and isinstance(audio[1], numbers.Real):
        audio, rate = audio[0], whole_rate(name, audio[1])
    samples = samples_of(name, audio)
    if not samples.size:
        raise UserError(f"{name}: an array must have at least one sample, got {samples.shape}")
    return Sound(samples, rate)


def samples_of(name: str, audio: Any) -> np.ndarray:
    """An array of sound as float32 (samples, channels).

    Raises:
        UserError: it is no array of one or two dimensions, or not finite.
    """
    try:
        samples = np.asarray(audio, dtype=np.float32)
    except (TypeError, ValueError):
        raise UserError(f"{name}: is neither a file nor an array of samples") from None
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not samples.shape[1]):
        raise UserError(
            f"{name}: an array must be (samples,) or (samples, channels) with at least one sample, got "
            f"{samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise UserError(f"{name}: has samples that are NaN or infinite")
    return samples[:, None] if samples.ndim == 1 else samples


def whole_rate(name: str, rate: Any) -> int:
    """A sampling rate in Hz.

    Raises:
        UserError: it is no whole number from 1 on.
    """
    value = float(rate) if isinstance(rate, numbers.Real) else 0.0
    if not value.is_integer() or value < 1:
        raise UserError(f"{name}: its sampling rate must be a whole number of Hz, got {rate}")
    return int(value)
