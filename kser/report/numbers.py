"""How the page writes numbers."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from kser.evaluation.statistics.descriptive import sample_sd
from kser.evaluation.statistics.tables import NOTHING, mean_and_sd, number
from kser.experiment.tasks.report_kinds import as_number
from kser.words import natural

FEWEST_RUNS = 3
"""Fewer runs have no interval of their mean: with two, Student's factor is 12.7."""


def known(values: Iterable[Any]) -> np.ndarray:
    """The values that are finite numbers, as a float64 array."""
    found = np.array([as_number(value) for value in values], dtype=np.float64)
    return found[~np.isnan(found)]


def mean_and_spread(values: Iterable[Any], digits: int = 3) -> str:
    """`0.523 ± 0.012`: mean and standard deviation (of a sample); a single value as it is."""
    present = known(values)
    return mean_and_sd(float(present.mean()), sample_sd(present), digits) if present.size else NOTHING


def interval_of_mean(values: Iterable[Any], bounds: tuple[float, float]) -> tuple[float, float] | None:
    """Student's 95% interval of the mean of a sample, limited to the values that the measure can take.

    `None` for fewer than `FEWEST_RUNS` values: of two, it is wider than what it is an interval of.
    """
    present = known(values)
    if present.size < FEWEST_RUNS:
        return None
    half = stats.t.ppf(0.975, present.size - 1) * sample_sd(present) / np.sqrt(present.size)
    low, high = bounds
    return max(low, float(present.mean() - half)), min(high, float(present.mean() + half))


def interval_cell(interval: Sequence[Any] | None) -> str:
    """`0.412 to 0.533`; a dash for no interval."""
    ends = known(interval or ())
    if len(ends) != 2:
        return NOTHING
    return f"{number(float(ends[0]), 3)} to {number(float(ends[1]), 3)}"


def range_of(values: Iterable[Any]) -> str:
    """`48`, or `48 to 60` where values differ."""
    present = known(values)
    if not present.size:
        return NOTHING
    low, high = f"{present.min():g}", f"{present.max():g}"
    return low if low == high else f"{low} to {high}"


def share(value: float | None) -> str:
    """A share in percent without decimals, and never 0% or 100% of what is neither."""
    if value is None or not np.isfinite(value):
        return NOTHING
    if 0 < value < 0.005:
        return "< 1%"
    return "> 99%" if 0.995 <= value < 1 else f"{value:.0%}"


def seeds_in_words(seeds: Iterable[str]) -> str:
    """`seed 3`, `seeds 0 to 4, 7`."""
    distinct = sorted(set(seeds), key=natural)
    runs: list[list[str]] = []
    for seed in distinct:
        if runs and seed.isdecimal() and runs[-1][-1].isdecimal() and int(seed) == int(runs[-1][-1]) + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    ranges = [
        f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run)  # two are shorter by name
        for run in runs
    ]
    return f"{'seed' if len(distinct) == 1 else 'seeds'} {', '.join(ranges)}"
