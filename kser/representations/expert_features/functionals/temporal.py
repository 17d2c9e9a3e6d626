"""The rhythm of an utterance: how often and how long the voice sounds (Eyben et al. 2016)."""

import numpy as np
from scipy.signal import find_peaks

from kser.representations.expert_features.functionals.contours import (
    HOP_S,
    deviation,
    mean,
    runs,
    smoothed,
)
from kser.representations.expert_features.functionals.voicing import Voicing

# A rise and fall of less than this share of the range is no peak.
_LEAST_PROMINENCE = 0.1
UNITS = {
    "voiced_segments_rate": "1/s",
    "voiced_length_mean": "s",
    "voiced_length_sd": "s",
    "unvoiced_length_mean": "s",
    "unvoiced_length_sd": "s",
    "voiced_share": "",
    "loudness_peaks_rate": "1/s",
}
"""By feature."""


def temporal_functionals(voicing: Voicing, loudness: np.ndarray) -> dict[str, float]:
    """The features of `UNITS`.

    Args:
        voicing: of each frame.
        loudness: of each frame.
    """
    duration_s = len(loudness) * HOP_S
    voiced, unvoiced = (
        np.array([(end - start) * HOP_S for start, end in runs(frames)])
        for frames in (voicing.voiced, ~voicing.voiced)
    )
    contour = smoothed(loudness)
    peaks, _ = find_peaks(contour, prominence=_LEAST_PROMINENCE * max(np.ptp(contour), np.finfo(float).tiny))
    values = (
        *(len(voiced) / duration_s, mean(voiced), deviation(voiced), mean(unvoiced), deviation(unvoiced)),
        *(float(voicing.voiced.mean()), len(peaks) / duration_s),
    )
    return dict(zip(UNITS, values, strict=True))
