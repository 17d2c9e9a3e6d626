"""Confidence intervals that resample speakers: utterances of one speaker are not independent."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kser.evaluation.speaker_sums import SpeakerSums, drawn_sums

FEW_SPEAKERS = 8
"""Below this number the report warns: in a simulation of five classes with speakers of different difficulty,
95% intervals contained the truth in 79% (4 speakers), 81% (5), 91% (8), 90% (10) and 93% (20 and 40) of 400
corpora."""

# Weights of resamples × speakers in memory at once.
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Resampling:
    """How speakers are drawn for intervals and tests; equal settings give equal draws.

    Attributes:
        resamples: how many times the bootstrap draws speakers with replacement.
        permutations: the highest number of them in a test.
        level: of the intervals: the probability with which they should contain the true value.
        seed: of all draws; the order of the utterances does not matter.
    """

    resamples: int = 2000
    permutations: int = 5000
    level: float = 0.95
    seed: int = 0


RESAMPLING = Resampling()
"""That of every report."""


def speaker_intervals(speakers: SpeakerSums, resampling: Resampling = RESAMPLING) -> dict[str, Any]:
    """Intervals of all measures by the bootstrap over speakers, ready for JSON.

    Speakers are drawn with replacement, all their utterances with them; the interval is the bias-corrected
    and accelerated one (BCa; Efron, "Better bootstrap confidence intervals", 1987), which covered the truth
    more often than percentiles in the simulation of `FEW_SPEAKERS`. Where BCa is not defined it is the
    percentile interval. The model is fixed: how results vary over training seeds is another question.

    Args:
        speakers: sums by speaker; those who add nothing are left out.
        resampling: how they are drawn.

    Returns:
        `[low, high]` by measure, then `level`, `resampled` ("speakers"), `n_speakers`, `resamples`, `method`
        ("BCa") and, with few speakers, `warning`. With one speaker every interval is `None`.
    """
    present = speakers.choice(speakers.present)
    n = present.n_speakers
    names = list(present.estimates)
    bounds = bootstrap([present], present.measures, resampling) if n > 1 else None
    intervals: dict[str, Any] = {
        name: None if bounds is None or np.isnan(bounds[i]).any() else bounds[i].tolist()
        for i, name in enumerate(names)
    }
    intervals |= {"level": resampling.level, "resampled": "speakers", "n_speakers": n}
    intervals |= {"resamples": resampling.resamples, "method": "BCa"}
    if n < FEW_SPEAKERS:
        intervals["warning"] = few_speakers_warning(n)
    return intervals


def few_speakers_warning(n: int) -> str:
    """What a reader must know about intervals from so few speakers."""
    if n < 2:
        return "one speaker: nothing can be said about other speakers"
    return f"{n} speakers: with so few the interval comes out too narrow"


def bootstrap(samples: Sequence[SpeakerSums], measures: Any, resampling: Resampling) -> np.ndarray:
    """BCa intervals of a function of the sums of one or several groups of speakers.

    Args:
        samples: groups of at least two speakers, each resampled on its own.
        measures: takes the sums of each group, each (…, entries), and gives a dictionary of arrays (…).
        resampling: how they are.

    Returns:
        (measures, 2): low and high, NaN where nothing is defined.
    """

    def statistic(*drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        sums = [
            drawn_sums(sample.sums, np.moveaxis(indices, axis, -1))
            for sample, indices in zip(samples, drawn, strict=True)
        ]
        return np.stack(list(measures(*sums).values()))

    speakers = sum(sample.n_speakers for sample in samples)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # scipy warns where BCa is not defined, as for a measure without spread: percentiles replace it.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            [np.arange(sample.n_speakers) for sample in samples],
            statistic,
            n_resamples=resampling.resamples,
            batch=max(1, min(resampling.resamples, _CELLS_AT_ONCE // speakers)),
            vectorized=True,
            paired=False,
            confidence_level=resampling.level,
            method="BCa",
            rng=np.random.default_rng(resampling.seed),
            axis=-1,
        )
    bounds = np.stack([result.confidence_interval.low, result.confidence_interval.high], axis=-1)
    return _with_percentiles_for_undefined(bounds, result.bootstrap_distribution, resampling.level)


def _with_percentiles_for_undefined(bounds: np.ndarray, drawn: np.ndarray, level: float) -> np.ndarray:
    bounds = bounds.copy()
    tail = (1 - level) / 2
    for number in np.flatnonzero(np.isnan(bounds).any(axis=-1)):
        defined = drawn[number][~np.isnan(drawn[number])]
        if defined.size:
            bounds[number] = np.quantile(defined, [tail, 1 - tail])
    return bounds
