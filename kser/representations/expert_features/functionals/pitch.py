"""How high the voice is, and how it moves.

Definitions after Eyben et al. (2016), "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice
research and affective computing": semitones from 27.5 Hz, voiced frames only.
"""

import numpy as np

from kser.representations.expert_features.functionals.contours import (
    HOP_S,
    deviation,
    mean,
    percentiles,
    slopes,
    smoothed,
)
from kser.representations.expert_features.functionals.frames import RATE
from kser.representations.expert_features.functionals.voicing import Voicing

_REFERENCE_HZ = 27.5
_HEIGHT, _MOVEMENT = "semitones from 27.5 Hz", "semitones a second"
UNITS = {
    "pitch_mean": _HEIGHT,
    "pitch_sd": "semitones",
    "pitch_p20": _HEIGHT,
    "pitch_p50": _HEIGHT,
    "pitch_p80": _HEIGHT,
    "pitch_range": "semitones",
    "pitch_rising_slope_mean": _MOVEMENT,
    "pitch_rising_slope_sd": _MOVEMENT,
    "pitch_falling_slope_mean": _MOVEMENT,
    "pitch_falling_slope_sd": _MOVEMENT,
    "pitch_trend": _MOVEMENT,
}
"""By feature."""


def semitones(voicing: Voicing) -> np.ndarray:
    """Above 27.5 Hz, (frames,); NaN of unvoiced frames."""
    return np.asarray(12 * np.log2(RATE / voicing.period / _REFERENCE_HZ))


def pitch_functionals(voicing: Voicing) -> dict[str, float]:
    """The features of `UNITS`.

    `pitch_range` is from the 20th to the 80th percentile; slopes are those of rises and falls within a voiced
    stretch, smoothed over three frames; `pitch_trend` is the slope of the line through all voiced frames.
    eGeMAPS by openSMILE puts voiced stretches one behind another, so that its slopes hold the jumps between
    them too, and cannot be compared: eval/results/2026-11-28_expert_features.md.
    """
    pitch = semitones(voicing)
    low, middle, high = percentiles(pitch)
    rising, falling = slopes([smoothed(pitch[start:end]) for start, end in voicing.segments])
    values = (
        *(mean(pitch), deviation(pitch), low, middle, high, high - low),
        *(mean(rising), deviation(rising), mean(falling), deviation(falling), _trend(pitch)),
    )
    return dict(zip(UNITS, values, strict=True))


def _trend(pitch: np.ndarray) -> float:
    voiced = np.flatnonzero(~np.isnan(pitch))
    if len(voiced) < 2:
        return np.nan
    return float(np.polyfit(voiced * HOP_S, pitch[voiced], 1)[0])
