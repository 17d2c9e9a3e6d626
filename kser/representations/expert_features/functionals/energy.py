"""How loud an utterance is, and how its loudness moves.

Loudness is as in eGeMAPS (Eyben et al. 2016) "an estimate of perceived signal intensity from an auditory
spectrum": powers of 26 bands of the mel scale from 20 Hz to 8 kHz, weighted by the ear's sensitivity, each to
the power of 0.33, added up (Hermansky 1990, "Perceptual linear predictive (PLP) analysis of speech").
"""

from functools import cache

import numpy as np

from kser.representations.expert_features.functionals.contours import (
    deviation,
    mean,
    percentiles,
    slopes,
    smoothed,
)
from kser.representations.expert_features.functionals.frames import FFT, RATE

BANDS = 26
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 8000.0
_COMPRESSION = 0.33
UNITS = {
    "loudness_mean": "",
    "loudness_variation": "",
    "loudness_p20": "",
    "loudness_p50": "",
    "loudness_p80": "",
    "loudness_range": "",
    "loudness_rising_slope_mean": "1/s",
    "loudness_falling_slope_mean": "1/s",
    "level": "dBFS",
}
"""By feature; loudness has none: 1 is no level that is known elsewhere."""


@cache
def mel_bands() -> np.ndarray:
    """Weights of the frequencies of a spectrum, (BANDS, FFT // 2 + 1); triangles of height 1."""
    import librosa

    return np.asarray(
        librosa.filters.mel(
            sr=RATE, n_fft=FFT, n_mels=BANDS, fmin=_LOWEST_HZ, fmax=_HIGHEST_HZ, htk=True, norm=None
        ),
        dtype=np.float64,
    )


def loudness_of(spectra: np.ndarray) -> np.ndarray:
    """Of each frame, (frames,).

    Args:
        spectra: powers (frames, FFT // 2 + 1).
    """
    auditory = (spectra @ mel_bands().T) * _sensitivity()
    return np.asarray((auditory**_COMPRESSION).sum(axis=1))


def energy_functionals(waveform: np.ndarray, loudness: np.ndarray) -> dict[str, float]:
    """The features of `UNITS`.

    `loudness_variation` is the standard deviation in means, `loudness_range` is from the 20th to the 80th
    percentile, and `level` is that of all samples together.

    Args:
        waveform: (samples,).
        loudness: (frames,).
    """
    low, middle, high = percentiles(loudness)
    average = mean(loudness)
    rising, falling = slopes([smoothed(loudness)])
    values = (
        *(average, deviation(loudness) / average, low, middle, high, high - low),
        *(mean(rising), mean(falling), float(10 * np.log10(np.mean(waveform.astype(np.float64) ** 2)))),
    )
    return dict(zip(UNITS, values, strict=True))


@cache
def _sensitivity() -> np.ndarray:
    """Of the ear at the middle of each band, (BANDS,): the equal-loudness curve of Hermansky (1990)."""
    import librosa

    edges = librosa.mel_frequencies(BANDS + 2, fmin=_LOWEST_HZ, fmax=_HIGHEST_HZ, htk=True)
    squared = (2 * np.pi * edges[1:-1]) ** 2
    return np.asarray(
        (squared + 56.8e6) * squared**2 / ((squared + 6.3e6) ** 2 * (squared + 0.38e9)), dtype=np.float64
    )
