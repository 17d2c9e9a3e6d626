"""Mean, spread and range of a measure over runs, and how groups of runs pool into larger ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def describe(results: pd.DataFrame, by: Sequence[str], metric: str = "uar") -> pd.DataFrame:
    """Describe a measure in each group of runs.

    Args:
        results: one row a run, with the columns of `by` and the measure. A missing value (NaN) is a run
            without result: it is counted as missing and does not enter the other numbers.
        by: columns that make a group, for example `["model_name", "dataset_name", "subgroup"]`.
        metric: column of the measure.

    Returns:
        One row a group, in order of first appearance: the columns of `by`, `n` (runs with a value),
        `mean`, `sd` (of a sample, ddof = 1; NaN where n < 2), `min`, `max`, `missing` (runs without a value).
    """
    rows = []
    for key, group in results.groupby(list(by), sort=False, dropna=False, observed=True):
        values = group[metric].to_numpy(dtype=float)
        present = values[~np.isnan(values)]
        n = len(present)
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "n": n,
                "mean": present.mean() if n else np.nan,
                "sd": sample_sd(present),
                "min": present.min() if n else np.nan,
                "max": present.max() if n else np.nan,
                "missing": len(values) - n,
            }
        )
    return pd.DataFrame(rows, columns=[*by, "n", "mean", "sd", "min", "max", "missing"])


def pool(cells: pd.DataFrame, by: Sequence[str], sd_ddof: int = 1) -> pd.DataFrame:
    """Pool cells that are known by size, mean and standard deviation into larger groups.

    A group's sum of squares is that within its cells plus that between their means, so the result is what
    `describe` gives from the runs themselves.

    Args:
        cells: one row a cell, with the columns of `by`, `n`, `mean` and `sd` (ignored where n is 1).
        by: columns that make a group.
        sd_ddof: what the given standard deviations were divided by: n − sd_ddof. 0 for that of a population.

    Returns:
        One row a group, in order of first appearance: the columns of `by`, `n`, `mean`, `sd` (ddof = 1).
    """
    rows = []
    for key, group in cells.groupby(list(by), sort=False, dropna=False, observed=True):
        n = group["n"].to_numpy(dtype=float)
        mean = float(np.average(group["mean"], weights=n))
        squares = within_squares(group, sd_ddof) + float(
            n @ (group["mean"].to_numpy(dtype=float) - mean) ** 2
        )
        total = int(n.sum())
        sd = float(np.sqrt(squares / (total - 1))) if total > 1 else np.nan
        rows.append({**dict(zip(by, key, strict=True)), "n": total, "mean": mean, "sd": sd})
    return pd.DataFrame(rows, columns=[*by, "n", "mean", "sd"])


def within_squares(cells: pd.DataFrame, sd_ddof: int = 1) -> float:
    """The sum of squares within cells of `n` runs with standard deviation `sd`; one run has none."""
    n = cells["n"].to_numpy(dtype=float)
    sd = np.where(n > 1, cells["sd"].to_numpy(dtype=float), 0.0)
    return float((n - sd_ddof) @ sd**2)


def sample_sd(values: np.ndarray) -> float:
    """Standard deviation of a sample (ddof = 1): NaN for fewer than two values, exactly 0 for equal ones."""
    if len(values) < 2:
        return float("nan")
    # Equal numbers can differ from their own mean by rounding, and a spread of 1e-17 makes t "infinite".
    return 0.0 if np.ptp(values) == 0.0 else float(values.std(ddof=1))
