"""Which frames are voiced, how high the voice is in them, and how harmonic."""

from dataclasses import dataclass

import numpy as np

from kser.representations.expert_features.functionals.contours import runs
from kser.representations.expert_features.functionals.frames import HOP, LONG_FRAME, RATE, framed, in_blocks

LOWEST_HZ, HIGHEST_HZ = 55.0, 1000.0
"""Of the voice, as in eGeMAPS."""
# Of the grid in which pYIN looks for the voice; autocorrelation finds it between the grid's lines.
_GRID_SEMITONES = 0.2
_BESIDE = 0.06
# What pYIN gives a frame without a clear period: its own value takes recordings with some noise for unvoiced.
_WITHOUT_TROUGH = 0.1
# What is then no voice after all: Boersma's threshold; periods that only the grid's end kept from leaving it;
# and what lasts no 30 ms.
_LEAST_HARMONICITY = 0.45
_END = 1.02
_LEAST_FRAMES = 3
# Autocorrelation is told between the samples too: its peaks are narrow.
_FINER = 4


@dataclass(frozen=True)
class Voicing:
    """Of each frame of 10 ms.

    Attributes:
        period: samples; NaN where the frame is unvoiced.
        harmonicity: normalised autocorrelation at that period, between 0 and 1; NaN as above.
    """

    period: np.ndarray
    harmonicity: np.ndarray

    @property
    def voiced(self) -> np.ndarray:
        """bool (frames,)."""
        return ~np.isnan(self.period)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """First frame of each voiced stretch, and the frame behind its last."""
        return runs(self.voiced)


def voicing_of(waveform: np.ndarray) -> Voicing:
    """Find the voice.

    pYIN (Mauch and Dixon 2014, librosa) says which frames may be voiced and about how high. Its grid is
    coarse for speed: period and harmonicity are those of the highest peak of the autocorrelation within a
    semitone of that, after Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", whose threshold decides.

    Args:
        waveform: float (samples,) at `RATE`.
    """
    import librosa

    frequency, voiced, _ = librosa.pyin(
        waveform,
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        sr=RATE,
        frame_length=LONG_FRAME,
        hop_length=HOP,
        resolution=_GRID_SEMITONES,
        no_trough_prob=_WITHOUT_TROUGH,
    )
    period = np.full(len(frequency), np.nan)
    harmonicity = np.full(len(frequency), np.nan)
    frames = framed(waveform, LONG_FRAME)
    # pYIN may take a few zeros for a voice.
    places = np.flatnonzero(voiced & (np.ptp(frames, axis=1) > 0))
    for some in in_blocks(places):
        found = _highest_peaks(_autocorrelation(frames[some].astype(np.float64)), RATE / frequency[some])
        period[some], harmonicity[some] = found
    sounds = _is_voice(period, harmonicity)
    return Voicing(np.where(sounds, period, np.nan), np.where(sounds, harmonicity, np.nan))


def _is_voice(period: np.ndarray, harmonicity: np.ndarray) -> np.ndarray:
    """Which frames are harmonic enough, off the grid's ends, and long enough together; bool (frames,)."""
    with np.errstate(invalid="ignore"):
        within = (period < RATE / LOWEST_HZ / _END) & (period > RATE / HIGHEST_HZ * _END)
        sounds = within & (harmonicity >= _LEAST_HARMONICITY)
    for start, end in runs(sounds):
        sounds[start:end] = end - start >= _LEAST_FRAMES
    return sounds


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """Of windowed frames, divided by that of the window: 1 at lag 0, and at the period of what repeats.

    Returns:
        (frames, lags), `_FINER` lags a sample.
    """
    window = np.hanning(LONG_FRAME)
    windowed = (frames - frames.mean(axis=1, keepdims=True)) * window
    longest = int(_FINER * RATE / LOWEST_HZ * (1 + 2 * _BESIDE))

    def correlated(rows: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(rows, 2 * LONG_FRAME)) ** 2
        lags = np.fft.irfft(power, 2 * LONG_FRAME * _FINER)[..., :longest]
        return np.asarray(lags / lags[..., :1])

    return np.asarray(correlated(windowed) / correlated(window))


def _highest_peaks(correlation: np.ndarray, about: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lag in samples and height of the highest value beside the lags given, between samples by a parabola."""
    lags = np.arange(correlation.shape[1])[None, :]
    expected = about[:, None] * _FINER
    beside = (lags >= expected / (1 + _BESIDE)) & (lags <= expected * (1 + _BESIDE))
    highest = np.where(beside, correlation, -np.inf).argmax(axis=1)
    row = np.arange(len(highest))
    before, at, after = (correlation[row, highest + step] for step in (-1, 0, 1))
    curvature = before - 2 * at + after
    shift = np.where(curvature < 0, (before - after) / 2 / np.where(curvature < 0, curvature, 1), 0.0)
    shift = np.clip(shift, -1, 1)
    height = at - (before - after) * shift / 4
    return (highest + shift) / _FINER, np.clip(height, 0, 1)
