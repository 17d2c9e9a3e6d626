"""Two conditions against each other: t-tests, rank tests, independent or paired by seed, Holm's correction.

Differences are always first minus second.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import comb

from kser.errors import UserError
from kser.evaluation.statistics.anova import SMALLEST_P
from kser.evaluation.statistics.descriptive import sample_sd
from kser.evaluation.statistics.effect_sizes import (
    cohens_d,
    hedges_g,
    matched_rank_biserial,
    pooled_sd,
    rank_biserial,
)

TOO_FEW = "fewer than two runs"
NO_SPREAD = "no spread"


class TTest(NamedTuple):
    """A two-sided t-test: all NaN where a group has fewer than two runs, or there is no spread."""

    t: float
    df: float
    p: float


def t_test(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray, *, equal_variance: bool = False
) -> TTest:
    """Two-sided t-test of independent runs.

    Args:
        first: values (n₁,).
        second: values (n₂,).
        equal_variance: Student's test; otherwise Welch's, which lets the spreads differ.
    """
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(len(one), len(two)) < 2:
        return TTest(np.nan, np.nan, np.nan)
    return t_test_from_summary(
        one.mean(),
        sample_sd(one),
        len(one),
        two.mean(),
        sample_sd(two),
        len(two),
        equal_variance=equal_variance,
    )


def t_test_from_summary(
    mean_1: float,
    sd_1: float,
    n_1: int,
    mean_2: float,
    sd_2: float,
    n_2: int,
    *,
    equal_variance: bool = False,
    sd_ddof: int = 1,
) -> TTest:
    """Two-sided t-test from means, standard deviations and numbers of runs.

    To compare two levels of a factor over all others from the cells of a table, pool the cells first
    (`descriptive.pool`, which has its own `sd_ddof` and gives a standard deviation with ddof = 1).

    Args:
        mean_1: of the first group; `sd_1`, `n_1` likewise, and those of the second.
        equal_variance: Student's test; otherwise Welch's.
        sd_ddof: what the given standard deviations were divided by: n − sd_ddof.
    """
    if min(n_1, n_2) < 2 or (sd_1 == 0.0 and sd_2 == 0.0):
        return TTest(np.nan, np.nan, np.nan)
    sd_1, sd_2 = (sd * np.sqrt((n - sd_ddof) / (n - 1)) for sd, n in ((sd_1, n_1), (sd_2, n_2)))
    t, p = stats.ttest_ind_from_stats(mean_1, sd_1, n_1, mean_2, sd_2, n_2, equal_var=equal_variance)
    df = float(n_1 + n_2 - 2) if equal_variance else _welch_df(sd_1**2 / n_1, n_1, sd_2**2 / n_2, n_2)
    return TTest(float(t), df, max(float(p), SMALLEST_P))


def holm(p_values: Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Holm's correction (Holm, "A simple sequentially rejective multiple test procedure", 1979).

    Args:
        p_values: of one family of tests, (tests,). NaN, a test that could not be made, stays NaN and does
            not count.

    Returns:
        Corrected p-values (tests,): compared with α, they keep the chance of any false positive below α.
    """
    # statsmodels' multipletests collects garbage on every call, which takes far longer than all else here.
    given = np.asarray(p_values, dtype=float)
    ascending = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    corrected = np.full(given.shape, np.nan)
    steps = given[ascending] * np.arange(len(ascending), 0, -1)
    corrected[ascending] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def compare_groups(
    results: pd.DataFrame,
    compare: str,
    metric: str = "uar",
    within: Sequence[str] = (),
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Compare every two levels of a column, the runs taken as independent.

    Args:
        results: one row a run, with the columns `compare`, `metric` and those of `within`; runs without a
            value are left out.
        compare: column whose levels are compared.
        metric: column of the measure.
        within: columns that are held fixed, for example `["dataset_name"]`: models are compared on each data
            set. Without, the runs of a level are pooled over everything else.
        alpha: the interval of the difference covers 1 − alpha.

    Returns:
        One row a pair and group, with the columns of `within`, `first`, `second`, `n_first`, `n_second`,
        `mean_first`, `mean_second`, `difference`, `ci_low`, `ci_high` (Welch), `sd_pooled`, `cohens_d`,
        `hedges_g`, `t_student`, `df_student`, `p_student`, `t_welch`, `df_welch`, `p_welch`, `u`
        (Mann–Whitney), `p_mann_whitney`, `rank_biserial`, `p_student_holm`, `p_welch_holm`,
        `p_mann_whitney_holm`, and `remark`: why a test could not be made. The family of Holm's correction is
        the whole table, test by test.
    """
    rows = []
    for fixed, group in _groups(results.dropna(subset=[metric]), within):
        levels = {
            name: values.to_numpy(dtype=float)
            for name, values in group.groupby(compare, sort=False, observed=True)[metric]
        }
        for first, second in combinations(levels, 2):
            pair = {"first": first, "second": second}
            rows.append({**fixed, **pair, **_independent_tests(levels[first], levels[second], alpha)})
    columns = [*within, "first", "second", *_independent_tests(np.empty(0), np.empty(0), alpha)]
    table = pd.DataFrame(rows, columns=columns)
    for test in ("p_student", "p_welch", "p_mann_whitney"):
        table.insert(len(table.columns) - 1, f"{test}_holm", holm(table[test]))
    return table


def compare_paired(
    results: pd.DataFrame,
    compare: str,
    metric: str = "uar",
    within: Sequence[str] = (),
    blocks: Sequence[str] = (),
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Compare every two levels of a column between runs with the same seed, which means the same split.

    What a split makes easy or hard, it does so for both runs, and their difference is free of it: paired
    tests see smaller differences than independent ones when seeds matter.

    Args:
        results: one row a run, with the columns `compare`, `metric`, `seed` and those of `within` and
            `blocks`; runs without a value or without a seed are left out.
        compare: column whose levels are compared.
        metric: column of the measure.
        within: columns that are held fixed, a test for each of their combinations.
        blocks: columns that have to be equal too for two runs to pair, such as all other factors. A seed's
            differences are averaged over its blocks: one pair a seed, for those are the independent ones. A
            seed that lacks a block in which other seeds pair is left out: its mean would be of other things.
        alpha: the interval of the mean difference covers 1 − alpha.

    Returns:
        One row a pair of levels and group, with the columns of `within`, `first`, `second`, `pairs`,
        `unpaired` (seeds that one of the two lacks, wholly or in a block), `difference` (mean),
        `sd_difference`, `ci_low`, `ci_high`, `cohens_dz` (mean / SD of the differences), `t`, `df`, `p`, `w`
        (Wilcoxon's smaller rank sum), `p_wilcoxon`, `rank_biserial`, `p_holm`, `p_wilcoxon_holm`, `remark`.
        The family of Holm's correction is the whole table.

    Raises:
        UserError: a seed has two runs where one is to pair.
    """
    rows = []
    for fixed, group in _groups(results.dropna(subset=[metric, "seed"]), within):
        for pair, differences in _pairs(group, compare, metric, blocks):
            rows.append({**fixed, **pair, **_paired_tests(differences, alpha)})
    columns = [*within, "first", "second", "pairs", "unpaired", *_paired_tests(np.empty(0), alpha)]
    table = pd.DataFrame(rows, columns=columns)
    for test in ("p", "p_wilcoxon"):
        table.insert(len(table.columns) - 1, f"{test}_holm", holm(table[test]))
    return table


def describe_differences(
    results: pd.DataFrame, compare: str, metric: str = "uar", within: Sequence[str] = ()
) -> pd.DataFrame:
    """Describe the differences between every two levels of a column over seeds, without a test.

    For levels that are parts of one run's test set, such as its female and male speakers: seeds train the
    model anew but meet the same people, so that they are no sample in which a difference between groups of
    people could be tested.

    Args:
        results: as in `compare_paired`.
        compare: column whose levels are compared.
        metric: column of the measure.
        within: columns that are held fixed.

    Returns:
        One row a pair of levels and group, with the columns of `within`, `first`, `second`, `pairs`,
        `unpaired`, `difference` (mean over seeds), `sd_difference` (ddof = 1), `min_difference` and
        `max_difference`.

    Raises:
        UserError: a seed has two runs where one is to pair.
    """
    rows = []
    for fixed, group in _groups(results.dropna(subset=[metric, "seed"]), within):
        for pair, differences in _pairs(group, compare, metric, ()):
            mean, low, high = (
                (differences.mean(), differences.min(), differences.max())
                if len(differences)
                else [np.nan] * 3
            )
            spread = {"sd_difference": sample_sd(differences), "min_difference": low, "max_difference": high}
            rows.append({**fixed, **pair, "difference": mean, **spread})
    measures = ["difference", "sd_difference", "min_difference", "max_difference"]
    return pd.DataFrame(rows, columns=[*within, "first", "second", "pairs", "unpaired", *measures])


def smallest_rank_p(n_1: int, n_2: int | None = None) -> float:
    """The smallest two-sided p-value that an exact rank test can reach, whatever the values.

    Args:
        n_1: runs of the first group, or pairs.
        n_2: runs of the second group (Mann–Whitney); `None` for pairs (Wilcoxon).
    """
    return min(1.0, 2.0 / (2.0**n_1 if n_2 is None else float(comb(n_1 + n_2, n_1))))


def _groups(results: pd.DataFrame, within: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    if not within:
        yield {}, results
        return
    for key, group in results.groupby(list(within), sort=False, observed=True):
        yield dict(zip(within, key, strict=True)), group


def _pairs(
    group: pd.DataFrame, compare: str, metric: str, blocks: Sequence[str]
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Every two levels, with the difference of each seed that has all blocks in which the two ever pair."""
    keys = ["seed", *blocks]
    if (twice := group.duplicated([compare, *keys])).any():
        which = group.loc[twice, [compare, *keys]].iloc[0]
        raise UserError(
            "runs do not pair, these occur twice: "
            + ", ".join(f"{key} {value}" for key, value in which.items())
        )
    values = group.set_index([compare, *keys])[metric].astype(float)
    for first, second in combinations(dict.fromkeys(group[compare]), 2):
        both = pd.concat([values.xs(first), values.xs(second)], axis=1, join="outer")
        seeds = both.index.get_level_values("seed").nunique()
        by_block = both.dropna()
        n_blocks = len(by_block.reset_index(list(blocks)).drop_duplicates(list(blocks))) if blocks else 1
        of_seed = (by_block.iloc[:, 0] - by_block.iloc[:, 1]).groupby(level="seed")
        differences = of_seed.mean()[of_seed.size() == n_blocks].to_numpy()
        counts = {"pairs": len(differences), "unpaired": seeds - len(differences)}
        yield {"first": first, "second": second, **counts}, differences


def _independent_tests(first: np.ndarray, second: np.ndarray, alpha: float) -> dict[str, Any]:
    n_1, n_2 = len(first), len(second)
    mean_1, mean_2 = (values.mean() if len(values) else np.nan for values in (first, second))
    sd_1, sd_2 = sample_sd(first), sample_sd(second)
    student = t_test(first, second, equal_variance=True)
    welch = t_test(first, second)
    d = cohens_d(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    half = np.nan
    if not np.isnan(welch.t):
        half = stats.t.isf(alpha / 2, welch.df) * np.sqrt(sd_1**2 / n_1 + sd_2**2 / n_2)
    u, p_u = stats.mannwhitneyu(first, second) if min(n_1, n_2) > 0 else (np.nan, np.nan)
    return {
        "n_first": n_1,
        "n_second": n_2,
        "mean_first": mean_1,
        "mean_second": mean_2,
        "difference": mean_1 - mean_2,
        "ci_low": mean_1 - mean_2 - half,
        "ci_high": mean_1 - mean_2 + half,
        "sd_pooled": pooled_sd(sd_1, n_1, sd_2, n_2),
        "cohens_d": d,
        "hedges_g": hedges_g(d, n_1, n_2),
        "t_student": student.t,
        "df_student": student.df,
        "p_student": student.p,
        "t_welch": welch.t,
        "df_welch": welch.df,
        "p_welch": welch.p,
        "u": float(u),
        "p_mann_whitney": max(float(p_u), SMALLEST_P),
        "rank_biserial": rank_biserial(float(u), n_1, n_2) if min(n_1, n_2) > 0 else np.nan,
        "remark": _remark(min(n_1, n_2), welch),
    }


def _paired_tests(differences: np.ndarray, alpha: float) -> dict[str, Any]:
    n, sd = len(differences), sample_sd(differences)
    mean = differences.mean() if n else np.nan
    test, half = TTest(np.nan, np.nan, np.nan), np.nan
    if n > 1 and sd > 0:
        error = sd / np.sqrt(n)
        p = 2 * stats.t.sf(abs(mean / error), n - 1)
        test = TTest(mean / error, n - 1.0, max(float(p), SMALLEST_P))
        half = stats.t.isf(alpha / 2, n - 1) * error
    w, p_w = (np.nan, np.nan)
    if np.any(differences != 0.0):
        w, p_w = stats.wilcoxon(differences)
    return {
        "difference": mean,
        "sd_difference": sd,
        "ci_low": mean - half,
        "ci_high": mean + half,
        "cohens_dz": mean / sd if sd > 0 else np.nan,
        "t": test.t,
        "df": test.df,
        "p": test.p,
        "w": float(w),
        "p_wilcoxon": max(float(p_w), SMALLEST_P),
        "rank_biserial": matched_rank_biserial(differences),
        "remark": "fewer than two pairs" if n < 2 else _remark(n, test),
    }


def _remark(smaller_n: int, test: TTest) -> str:
    if smaller_n < 2:
        return TOO_FEW
    return NO_SPREAD if np.isnan(test.t) else ""


def _welch_df(error_1: float, n_1: int, error_2: float, n_2: int) -> float:
    """Welch and Satterthwaite's degrees of freedom, from the squared standard errors of the two means."""
    return float((error_1 + error_2) ** 2 / (error_1**2 / (n_1 - 1) + error_2**2 / (n_2 - 1)))
