"""How regular and how clear the voice is: jitter, shimmer, harmonics to noise, cepstral peak prominence."""

from collections.abc import Callable

import numpy as np

from kser.representations.expert_features.functionals.contours import deviation, mean
from kser.representations.expert_features.functionals.cycles import Cycles
from kser.representations.expert_features.functionals.frames import LONG_FRAME, RATE, framed, in_blocks
from kser.representations.expert_features.functionals.voicing import Voicing

# Neighbours that differ by more are no neighbours: a cycle between them was missed (Praat's own factors).
_MOST_PERIOD_RATIO, _MOST_AMPLITUDE_RATIO = 1.3, 1.6
_CEPSTRUM_FROM_S = 0.001
_HIGHEST_HZ, _LOWEST_HZ = 500.0, 60.0
_FLOOR = 1e-12
# 60 dB: beyond, one frame would outweigh the others.
_MOST_HARMONIC = 1 - 1e-6
UNITS = {
    "jitter_local": "%",
    "jitter_rap": "%",
    "shimmer_local": "dB",
    "shimmer_apq3": "%",
    "hnr_mean": "dB",
    "hnr_sd": "dB",
    "cpp_mean": "dB",
    "cpp_sd": "dB",
}
"""By feature."""


def voice_quality_functionals(
    waveform: np.ndarray, voicing: Voicing, cycles: list[Cycles]
) -> dict[str, float]:
    """The features of `UNITS`.

    - Jitter, "deviations in individual consecutive F0 period lengths" (Eyben et al. 2016): of neighbours
      (local), and of each from the mean of three (rap), in percent of the mean period. Shimmer likewise of
      amplitudes: decibels between neighbours, and of each from the mean of three (apq3) in percent (measures
      of Praat, see Farrús et al. 2007, "Jitter and shimmer measurements for speaker recognition").
    - `hnr`: energy of the harmonics over that of the noise, from autocorrelation (Boersma 1993).
    - `cpp`: how far the cepstrum's peak at the voice's period is above a line through the cepstrum
      (Hillenbrand et al. 1994, "Acoustic correlates of breathy vocal quality").

    Args:
        waveform: (samples,).
        voicing: of its frames.
        cycles: of its voiced stretches.
    """
    share = np.minimum(voicing.harmonicity[voicing.voiced], _MOST_HARMONIC)
    harmonics = 10 * np.log10(share / (1 - share))
    frames = framed(waveform, LONG_FRAME)
    blocks = in_blocks(np.flatnonzero(voicing.voiced))
    prominence = np.concatenate([np.empty(0), *(_cepstral_peak_prominence(frames[some]) for some in blocks)])
    values = (
        *(_perturbation(cycles, _to_next), _perturbation(cycles, _to_mean_of_three)),
        *(_shimmer_db(cycles), _perturbation(cycles, _to_mean_of_three, of_amplitudes=True)),
        *(mean(harmonics), deviation(harmonics), mean(prominence), deviation(prominence)),
    )
    return dict(zip(UNITS, values, strict=True))


def _to_next(values: np.ndarray) -> np.ndarray:
    return np.diff(values)


def _to_mean_of_three(values: np.ndarray) -> np.ndarray:
    return values[1:-1] - (values[:-2] + values[1:-1] + values[2:]) / 3


def _perturbation(
    cycles: list[Cycles], difference: Callable[[np.ndarray], np.ndarray], of_amplitudes: bool = False
) -> float:
    """Mean absolute difference in percent of the mean, over all stretches together."""
    stretches = [part for each in cycles for part in _regular(each)]
    values = [part.amplitudes if of_amplitudes else part.periods for part in stretches]
    differences = [np.abs(difference(part)) for part in values if len(part) > 2]
    if not differences:
        return np.nan
    return float(100 * np.concatenate(differences).mean() / np.concatenate(values).mean())


def _shimmer_db(cycles: list[Cycles]) -> float:
    levels = [20 * np.log10(part.amplitudes) for each in cycles for part in _regular(each)]
    return mean(np.concatenate([np.empty(0), *(np.abs(np.diff(part)) for part in levels)]))


def _regular(cycles: Cycles) -> list[Cycles]:
    """The parts of a stretch in which no cycle was missed."""
    missed = np.zeros(len(cycles.periods) - 1, bool)
    limits = (_MOST_PERIOD_RATIO, _MOST_AMPLITUDE_RATIO)
    for values, limit in zip((cycles.periods, cycles.amplitudes), limits, strict=True):
        low, high = np.minimum(values[1:], values[:-1]), np.maximum(values[1:], values[:-1])
        missed |= high > limit * low
    cuts = np.flatnonzero(missed) + 1
    parts = zip(np.split(cycles.periods, cuts), np.split(cycles.amplitudes, cuts), strict=True)
    return [Cycles(periods, amplitudes) for periods, amplitudes in parts if amplitudes.all()]


def _cepstral_peak_prominence(frames: np.ndarray) -> np.ndarray:
    """dB (frames,)."""
    spectra = np.abs(np.fft.rfft(frames * np.hanning(LONG_FRAME), axis=1)) ** 2
    cepstra = np.abs(np.fft.irfft(10 * np.log10(np.maximum(spectra, _FLOOR)), axis=1))
    start = round(_CEPSTRUM_FROM_S * RATE)
    levels = 20 * np.log10(np.maximum(cepstra[:, start : LONG_FRAME // 2], _FLOOR))
    quefrencies = np.arange(start, LONG_FRAME // 2) / RATE
    line = np.polyfit(quefrencies, levels.T, 1)
    above = levels - (quefrencies[None, :] * line[0][:, None] + line[1][:, None])
    searched = (quefrencies >= 1 / _HIGHEST_HZ) & (quefrencies <= 1 / _LOWEST_HZ)
    highest = np.where(searched, levels, -np.inf).argmax(axis=1)
    return np.asarray(above[np.arange(len(levels)), highest])
