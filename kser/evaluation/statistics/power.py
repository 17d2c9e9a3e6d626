"""How many seeds a difference requires, and which difference the available seeds can show.

Power is the probability that a two-sided t-test finds an existing difference. Effects are in standard
deviations between seeds: Cohen's d for independent runs, d_z (of the differences) for runs paired by seed.
"""

import math
from collections.abc import Sequence

import pandas as pd
from scipy import stats
from scipy.optimize import brentq

DEFAULT_POWER = 0.8
MOST_SEEDS = 1_000_000
"""Where counting stops: nobody will train more seeds to show a difference."""

_LARGEST_D = 20.0
"""Larger differences count as this one, which even two pairs nearly always show."""


def achieved_power(
    d: float, n_1: int, n_2: int | None = None, *, alpha: float = 0.05, paired: bool = False
) -> float:
    """The power of a two-sided t-test, by the noncentral t distribution.

    The same as in `statsmodels.stats.power`, which however sums the tails in a way that sometimes gives NaN
    (for example d = 3 with 100 and 100 runs), as `scipy.stats.nct.cdf` does far below its centre.

    Args:
        d: true difference in standard deviations; its sign does not matter.
        n_1: runs of the first condition, or pairs.
        n_2: runs of the second condition; as many as `n_1` when `None`, unused with `paired`.
        alpha: level of the test.
        paired: paired test, `d` is d_z.

    Returns:
        From alpha to 1; NaN where `d` is NaN or a condition has fewer than two runs.
    """
    second = n_1 if n_2 is None or paired else n_2
    if math.isnan(d) or min(n_1, second) < 2:
        return float("nan")
    df = n_1 - 1 if paired else n_1 + second - 2
    runs = n_1 if paired else n_1 * second / (n_1 + second)
    noncentrality = min(abs(d), _LARGEST_D) * math.sqrt(runs)
    critical = stats.t.isf(alpha / 2, df)
    # Two tails; the lower one is written as the upper one of the mirrored distribution.
    return float(sum(stats.nct.sf(critical, df, shift) for shift in (noncentrality, -noncentrality)))


def seeds_needed(
    d: float, *, power: float = DEFAULT_POWER, alpha: float = 0.05, paired: bool = False
) -> int | None:
    """The fewest seeds per condition (or pairs) that find a difference with the required power.

    Args:
        d: true difference in standard deviations.
        power: the required one, between alpha and 1.
        alpha: level of the test.
        paired: paired test, `d` is d_z.

    Returns:
        At least 2; `None` where `d` is zero or NaN, or more than `MOST_SEEDS` were needed.
    """
    if math.isnan(d) or d == 0.0:
        return None

    def enough(n: int) -> bool:
        return achieved_power(d, n, alpha=alpha, paired=paired) >= power

    low, high = 1, 2
    while not enough(high):
        low, high = high, high * 2
        if high > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detectable_effect(
    n_1: int,
    n_2: int | None = None,
    *,
    power: float = DEFAULT_POWER,
    alpha: float = 0.05,
    paired: bool = False,
) -> float:
    """The smallest difference, in standard deviations, that this many runs show with the required power.

    Args:
        n_1: runs of the first condition, or pairs.
        n_2: runs of the second condition; as many as `n_1` when `None`, unused with `paired`.
        power: the required one.
        alpha: level of the test.
        paired: paired test, the result is a d_z.

    Returns:
        NaN where a condition has fewer than two runs, or even a difference of 20 standard deviations
        would not do.
    """

    def lacking(d: float) -> float:
        return achieved_power(d, n_1, n_2, alpha=alpha, paired=paired) - power

    most = lacking(_LARGEST_D)
    if math.isnan(most) or most < 0:
        return float("nan")
    return float(brentq(lacking, 0.0, _LARGEST_D, xtol=1e-9))


def power_of_comparisons(comparisons: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """What each comparison would have needed, and what it could have shown.

    Args:
        comparisons: as `comparisons.compare_groups` gives it.
        alpha: level of the test, without correction for the number of tests.

    Returns:
        The rows of `comparisons` with its columns before `n_first`, then `n_first`, `n_second`, `difference`,
        `cohens_d`, `power_at_observed` (were the observed difference the true one: a restatement of p,
        see Hoenig & Heisey, "The abuse of power", 2001), `seeds_needed` per condition for the observed
        difference (missing where it is zero or unknown), and `detectable_difference`: the smallest
        difference, in the measure's own unit, that these runs show with `DEFAULT_POWER` (NaN without
        spread).
    """
    names = [*comparisons.columns[: list(comparisons.columns).index("n_first")], "n_first", "n_second"]
    table = comparisons[[*names, "difference", "cohens_d"]].copy()
    rows = list(comparisons[["cohens_d", "n_first", "n_second", "sd_pooled"]].itertuples(index=False))
    table["power_at_observed"] = [achieved_power(d, n_1, n_2, alpha=alpha) for d, n_1, n_2, _ in rows]
    needed = [seeds_needed(d, alpha=alpha) for d, *_ in rows]
    table["seeds_needed"] = pd.array(needed, dtype="Int64")
    table["detectable_difference"] = [
        detectable_effect(n_1, n_2, alpha=alpha) * sd if sd > 0 else float("nan") for _, n_1, n_2, sd in rows
    ]
    return table


def planning_table(
    effects: Sequence[float] = (0.2, 0.5, 0.8, 1.2, 2.0), *, alpha: float = 0.05
) -> pd.DataFrame:
    """Seeds a condition for differences of several sizes.

    Returns:
        One row an effect: `effect` (d, or d_z for pairs), `seeds_independent`, `seeds_paired`.
    """
    columns = {
        name: [seeds_needed(effect, alpha=alpha, paired=paired) for effect in effects]
        for name, paired in (("seeds_independent", False), ("seeds_paired", True))
    }
    return pd.DataFrame({"effect": list(effects), **columns})
