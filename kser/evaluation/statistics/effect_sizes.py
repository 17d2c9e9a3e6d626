"""How large a difference is, apart from whether the number of runs can show it."""

import numpy as np
from scipy.special import gammaln
from scipy.stats import rankdata


def pooled_sd(sd_1: float, n_1: int, sd_2: float, n_2: int) -> float:
    """The common standard deviation of two groups (each with ddof = 1); NaN where a group has one run."""
    if min(n_1, n_2) < 2:
        return float("nan")
    return float(np.sqrt(((n_1 - 1) * sd_1**2 + (n_2 - 1) * sd_2**2) / (n_1 + n_2 - 2)))


def cohens_d(mean_1: float, sd_1: float, n_1: int, mean_2: float, sd_2: float, n_2: int) -> float:
    """Cohen's d: the difference of two means in pooled standard deviations.

    Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd ed. 1988: 0.2 is small, 0.5 medium,
    0.8 large. NaN without spread.
    """
    spread = pooled_sd(sd_1, n_1, sd_2, n_2)
    return (mean_1 - mean_2) / spread if spread > 0 else float("nan")


def hedges_g(d: float, n_1: int, n_2: int) -> float:
    """Cohen's d without its bias, which a handful of runs makes large (5 and 5 runs: d is 11% too large).

    Multiplies by Γ(m/2) / (√(m/2) Γ((m−1)/2)) with m = n₁ + n₂ − 2 degrees of freedom (Hedges,
    "Distribution theory for Glass's estimator of effect size and related estimators", 1981).
    """
    m = n_1 + n_2 - 2
    if m < 2:
        return float("nan")
    return float(d * np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2))


def rank_biserial(u: float, n_1: int, n_2: int) -> float:
    """Rank-biserial correlation of Mann–Whitney's U of the first group, from −1 to 1.

    The share of pairs in which the first group's run is better, less the share in which the second's is
    (Kerby, "The simple difference formula", 2014).
    """
    return 2.0 * u / (n_1 * n_2) - 1.0


def matched_rank_biserial(differences: np.ndarray) -> float:
    """Rank-biserial correlation of paired differences (pairs,): as Wilcoxon's test ranks them, from −1 to 1.

    The rank sum of the positive differences less that of the negative ones, over all; differences of zero are
    left out (Kerby 2014). NaN when all are zero.
    """
    moved = differences[differences != 0.0]
    if not len(moved):
        return float("nan")
    ranks = rankdata(np.abs(moved))
    return float((np.sign(moved) @ ranks) / ranks.sum())
