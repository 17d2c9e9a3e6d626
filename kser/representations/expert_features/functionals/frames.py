"""Frames of a waveform, one each 10 ms, and their spectra."""

import numpy as np

RATE = 16_000
"""Hz, of every waveform here."""
HOP = RATE // 100
LONG_FRAME = 1024
"""Samples that pitch, harmonics and cepstrum are told from: 64 ms, 3.5 periods of the lowest voice."""
SHORT_FRAME = 320
"""Samples that a spectrum is told from: 20 ms, as in eGeMAPS."""
FFT = 512
_BLOCK = 1000


def framed(waveform: np.ndarray, length: int) -> np.ndarray:
    """Frames around each 10 ms, with zeros beyond both ends.

    Args:
        waveform: (samples,).
        length: of a frame, samples; even.

    Returns:
        (1 + samples // HOP, length), a view.
    """
    padded = np.pad(waveform, length // 2)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, length)[::HOP])


def in_blocks(places: np.ndarray) -> list[np.ndarray]:
    """Places of frames, some at a time: spectra of all frames of an hour would take gigabytes."""
    return [places[start : start + _BLOCK] for start in range(0, len(places), _BLOCK)]


def power_spectra(waveform: np.ndarray) -> np.ndarray:
    """Of frames of 20 ms through a Hamming window; a sine at full scale has a quarter at its frequency.

    Args:
        waveform: (samples,).

    Returns:
        float64 (frames, FFT // 2 + 1), at `FREQUENCIES`.
    """
    window = np.hamming(SHORT_FRAME)
    spectra = np.fft.rfft(framed(waveform.astype(np.float64), SHORT_FRAME) * window, FFT)
    return np.asarray(np.abs(spectra / window.sum()) ** 2)


FREQUENCIES = np.fft.rfftfreq(FFT, 1 / RATE)
"""Hz."""
