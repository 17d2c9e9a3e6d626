"""What a measure of similarity would be by chance, with other speakers, and with other seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from kser.analysis.folds import group_codes
from kser.errors import UserError

Statistic = Callable[[np.ndarray], Any]
"""Takes positions of utterances (rows,) and gives a number, or an array of several."""

# Values that are equal except for rounding count as equal.
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class PermutationTest:
    """A statistic and what it is by chance.

    Attributes:
        observed: the statistic.
        null: float64 (permutations,), the statistic of shuffled utterances.
        p: (1 + as high) / (1 + permutations) (Phipson & Smyth, "Permutation p-values should never be zero",
            2010).
    """

    observed: float
    null: np.ndarray
    p: float


class Band(NamedTuple):
    """An estimate with its interval: floats, or arrays where the statistic is one."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def permutation_test(
    statistic: Statistic,
    n: int,
    *,
    within: ArrayLike | Sequence[object] | pd.Series | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> PermutationTest:
    """Whether a similarity is higher than of utterances that are paired at random; one-sided.

    Shuffling among all utterances asks whether the representations share anything, were it only who speaks.
    Shuffling within speakers asks for what they share beyond the speaker.

    Args:
        statistic: takes an order of the utterances, int (n,), that one of the representations is put into:
            `lambda order: linear_cka(first, second[order])`. For a distance give its negative.
        n: the number of utterances.
        within: one group an utterance; utterances change places only within it.
        permutations: how many are drawn.
        seed: of them.

    Returns:
        The test; the smallest p is 1 / (1 + permutations).

    Raises:
        ValueError: `within` has not n values, or `permutations` is below 1.
        UserError: every group is a single utterance, or one is missing.
    """
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, got {permutations}")
    codes = np.zeros(n, dtype=np.int64) if within is None else group_codes(within, n, "within")
    sorted_rows = np.argsort(codes, kind="stable")
    if len(np.unique(codes)) == n:
        raise UserError("within: every utterance is a group of its own, so nothing can be shuffled")
    rng = np.random.default_rng(seed)
    null = np.empty(permutations)
    for number in range(permutations):
        order = np.empty(n, dtype=np.int64)
        # Sorted by group and at random within each: the groups' places stay, their utterances do not.
        order[sorted_rows] = np.lexsort((rng.random(n), codes))
        null[number] = statistic(order)
    observed = float(statistic(np.arange(n)))
    as_high = int((~(null < observed - _TOLERANCE)).sum())
    return PermutationTest(observed, null, (1 + as_high) / (1 + permutations))


def speaker_band(
    statistic: Statistic,
    speakers: ArrayLike | Sequence[object] | pd.Series,
    *,
    level: float = 0.95,
) -> Band:
    """Interval of a measure of similarity for other speakers, by the jackknife: each is left out once.

    Measures of similarity are made of pairs of utterances. The bootstrap, which draws speakers more than
    once, pairs utterances with themselves and a speaker too often with the same: its percentiles missed the
    truth in most of the simulated corpora of eval/results/2026-11-28_speaker_bands.md. This interval is the
    bias-corrected estimate ± Student's t with one degree of freedom less than speakers (Tukey 1958; Arvesen,
    "Jackknifing U-statistics", 1969). It contains what it should where the statistic itself is about
    different speakers, as `kser.analysis.speaker_cka.speaker_cka` is, less often for `linear_cka`. For a
    probe's score see `kser.analysis.probes.score_interval`.

    Args:
        statistic: takes positions of utterances:
            `lambda rows: speaker_cka(first[rows], second[rows], speakers[rows])`.
        speakers: one an utterance.
        level: the probability with which the interval should contain the true value.

    Returns:
        The statistic of all utterances, and the interval, whose middle is the corrected one.

    Raises:
        UserError: there are fewer than 3 speakers, or a name is missing.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    names = list(speakers)  # type: ignore[arg-type]
    codes = group_codes(names, len(names), "speakers")
    n = int(codes.max(initial=-1)) + 1
    if n < 3:
        raise UserError(f"speakers: {n} are too few for an interval, at least 3 are needed")
    estimate = np.asarray(statistic(np.arange(len(codes))), dtype=np.float64)
    without = np.stack([np.asarray(statistic(np.flatnonzero(codes != code))) for code in range(n)])
    corrected = n * estimate - (n - 1) * without.mean(axis=0)
    error = (n - 1) / np.sqrt(n) * without.std(axis=0, ddof=1)
    width = stats.t.ppf((1 + level) / 2, n - 1) * error
    return Band(estimate, corrected - width, corrected + width)


def seed_band(values: ArrayLike, *, level: float = 0.95) -> Band:
    """Mean over fine-tuning seeds and its interval by Student's t.

    Args:
        values: (seeds, …): a number, a curve or a map of each seed.
        level: the probability with which the interval should contain the mean of all seeds.

    Returns:
        Arrays (…); low and high are NaN for a single seed.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    runs = np.asarray(values, dtype=np.float64)
    if not runs.ndim or not len(runs):
        raise ValueError(f"values has the shape {runs.shape}, not (seeds, …)")
    mean = runs.mean(axis=0)
    if len(runs) == 1:
        return Band(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    width = stats.t.ppf((1 + level) / 2, len(runs) - 1) * error
    return Band(mean, mean - width, mean + width)
