"""Voices of which everything is known."""

import numpy as np

RATE = 16_000


def seconds(duration_s: float) -> np.ndarray:
    return np.arange(round(duration_s * RATE)) / RATE


def sawtooth(frequency: float | np.ndarray, duration_s: float = 1.0) -> np.ndarray:
    """Harmonics k of amplitude 1/k below 7 kHz, so that nothing is mirrored."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(frequency, seconds(duration_s).shape)) / RATE
    count = int(7000 / np.max(frequency))
    return 0.2 * sum(np.sin(k * phase) / k for k in range(1, count + 1))


def pulses(periods_s: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """A resonance of 700 Hz, struck once a period, at times between samples too."""
    starts = np.cumsum(periods_s)
    time = seconds(starts[-1])
    sound = np.zeros_like(time)
    for start, amplitude in zip(starts, amplitudes, strict=True):
        since = np.maximum(time - start, 0)
        sound += amplitude * np.exp(-np.pi * 400 * since) * np.sin(2 * np.pi * 700 * since)
    return 0.5 * sound


def noise(duration_s: float = 1.0, seed: int = 0) -> np.ndarray:
    """White, of deviation 1."""
    return np.random.default_rng(seed).normal(size=len(seconds(duration_s)))
