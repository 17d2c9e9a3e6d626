"""How the sound is spread over frequencies: the timbre of voiced frames, and of the others.

Definitions after Eyben et al. (2016) for alpha ratio, Hammarberg index, slopes and cepstral coefficients;
after Peeters (2004), "A large set of audio features for sound description", for centroid, spread and flux.
"""

import numpy as np
from scipy.fft import dct

from kser.representations.expert_features.functionals.contours import deviation, mean
from kser.representations.expert_features.functionals.energy import mel_bands
from kser.representations.expert_features.functionals.frames import FREQUENCIES

# A bit of 20 changes less; logarithms stay finite.
_FLOOR = 1e-12
_COEFFICIENTS = 4
_OF_A_FRAME = {
    "alpha_ratio": "dB",
    "hammarberg_index": "dB",
    "slope_0_500": "dB/Hz",
    "slope_500_1500": "dB/Hz",
    "flux": "",
    "centroid": "Hz",
    "spread": "Hz",
}
_MFCC = [f"mfcc_{number}" for number in range(1, _COEFFICIENTS + 1)]
_OF_UNVOICED = list(_OF_A_FRAME)[:5]
UNITS = {
    **{f"{name}_voiced_{what}": unit for name, unit in _OF_A_FRAME.items() for what in ("mean", "sd")},
    **{f"{name}_voiced_mean": "" for name in _MFCC},
    **{f"{name}_unvoiced_mean": _OF_A_FRAME[name] for name in _OF_UNVOICED},
}
"""By feature."""


def spectral_functionals(spectra: np.ndarray, voiced: np.ndarray) -> dict[str, float]:
    """The features of `UNITS`.

    Frames that are all zeros have no timbre and do not count.

    Args:
        spectra: powers (frames, FFT // 2 + 1).
        voiced: bool (frames,).
    """
    sounding = spectra.sum(axis=1) > 0
    of_frames = {name: np.where(sounding, values, np.nan) for name, values in _of_frames(spectra).items()}
    features: dict[str, float] = {}
    for name in _OF_A_FRAME:
        features[f"{name}_voiced_mean"] = mean(of_frames[name][voiced])
        features[f"{name}_voiced_sd"] = deviation(of_frames[name][voiced])
    features |= {f"{name}_voiced_mean": mean(of_frames[name][voiced]) for name in _MFCC}
    features |= {f"{name}_unvoiced_mean": mean(of_frames[name][~voiced]) for name in _OF_UNVOICED}
    return features


def _of_frames(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """By feature of a frame, (frames,)."""
    levels = 10 * np.log10(np.maximum(spectra, _FLOOR))
    centroid, spread = _moments(spectra)
    bands = np.log(np.maximum(spectra @ mel_bands().T, _FLOOR))
    cepstra = dct(bands, type=2, norm="ortho", axis=1)[:, 1 : _COEFFICIENTS + 1]
    return {
        "alpha_ratio": _level(spectra, 1000, 5000) - _level(spectra, 50, 1000),
        "hammarberg_index": levels[:, _band(0, 2000)].max(axis=1) - levels[:, _band(2000, 5000)].max(axis=1),
        "slope_0_500": _slope(levels, 0, 500),
        "slope_500_1500": _slope(levels, 500, 1500),
        "flux": _flux(spectra),
        "centroid": centroid,
        "spread": spread,
        **dict(zip(_MFCC, cepstra.T, strict=True)),
    }


def _band(low_hz: float, high_hz: float) -> np.ndarray:
    """Which frequencies are above one and up to another: none in two bands, and never 0 Hz."""
    return (low_hz < FREQUENCIES) & (high_hz >= FREQUENCIES)


def _level(spectra: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    return 10 * np.log10(np.maximum(spectra[:, _band(low_hz, high_hz)].sum(axis=1), _FLOOR))


def _slope(levels: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """Of the line through the levels of a band, dB/Hz (frames,)."""
    band = _band(low_hz, high_hz)
    return np.asarray(np.polyfit(FREQUENCIES[band], levels[:, band].T, 1)[0])


def _flux(spectra: np.ndarray) -> np.ndarray:
    """How far the magnitudes are from those of the frame before, both of length 1; NaN of the first one."""
    magnitudes = np.sqrt(spectra)
    lengths = np.linalg.norm(magnitudes, axis=1, keepdims=True)
    directions = np.divide(magnitudes, lengths, out=np.full_like(magnitudes, np.nan), where=lengths > 0)
    steps = np.linalg.norm(np.diff(directions, axis=0), axis=1)
    return np.concatenate([[np.nan], steps])


def _moments(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the frequency, weighted by power, Hz (frames,)."""
    weights = spectra / np.maximum(spectra.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    centroid = weights @ FREQUENCIES
    squares = weights @ FREQUENCIES**2
    return centroid, np.sqrt(np.maximum(squares - centroid**2, 0))
