"""The power of a sound in short windows, in a form for computing and in one for exporting."""

from functools import cache

import numpy as np
from keras import ops

from kser.models.export_form import is_exported


def power_spectrum(waveform, window_length: int, hop_length: int):
    """Power of each frequency in Hann windows, one every so many samples, none beyond the ends.

    Args:
        waveform: float32 tensor (batch, samples).
        window_length: samples of a window and of its Fourier transform.
        hop_length: samples from window to window.

    Returns:
        float32 tensor (batch, 1 + (samples - window_length) // hop_length, 1 + window_length // 2).
    """
    # ONNX has no operation that TensorFlow's transform becomes, and LiteRT only those of powers of two.
    if is_exported():
        parts = ops.conv(
            ops.expand_dims(waveform, -1),
            _windowed_waves(window_length),
            strides=hop_length,
            padding="valid",
            data_format="channels_last",
        )
        real, imaginary = ops.split(parts, 2, axis=-1)
    else:
        real, imaginary = ops.stft(
            waveform, window_length, hop_length, window_length, window="hann", center=False
        )
    return ops.square(real) + ops.square(imaginary)


@cache
def _windowed_waves(window_length: int) -> np.ndarray:
    """Cosines, then sines, times the window: what a convolution needs, float32 (samples, 1, frequencies)."""
    samples = np.arange(window_length)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * samples / window_length)
    angles = 2 * np.pi * np.outer(samples, np.arange(window_length // 2 + 1)) / window_length
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) * window[:, None]
    return waves[:, None, :].astype(np.float32)
