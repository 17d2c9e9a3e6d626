"""Made-up sounds that move as speech does: noise whose bands rise and fall."""

from itertools import pairwise

import numpy as np
from scipy.signal import butter, sosfilt

RATE = 16_000
_BANDS_HZ = (250, 400, 600, 850, 1200, 1700, 2400, 3400, 5000, 7500)


def speech(seed: int, duration_s: float = 2.0, rate: int = RATE) -> np.ndarray:
    """A waveform, float32 (samples,), peak 0.5: another for each seed."""
    rng = np.random.default_rng(seed)
    samples = int(duration_s * rate)
    sound = np.zeros(samples)
    for low, high in pairwise(_BANDS_HZ):
        band = sosfilt(
            butter(2, (low, high), "bandpass", fs=rate, output="sos"), rng.standard_normal(samples)
        )
        knots = rng.uniform(-40, 0, int(8 * duration_s) + 2)
        level = np.interp(np.arange(samples) / rate * 8, np.arange(len(knots)), knots)
        sound += band * 10 ** (level / 20)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)
