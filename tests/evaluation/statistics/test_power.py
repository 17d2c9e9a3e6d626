"""Numbers of seeds agree with the tables of the literature and with statsmodels where that has an answer."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower, TTestPower

from kser.evaluation.statistics.comparisons import compare_groups
from kser.evaluation.statistics.power import (
    achieved_power,
    detectable_effect,
    planning_table,
    power_of_comparisons,
    seeds_needed,
)
from tests.evaluation.statistics.simulated import study


# Cohen, "A power primer", 1992, table 2 (two means, α = 0.05, power 0.8): 393 (by approximation), 64, 26.
@pytest.mark.parametrize(("d", "independent", "paired"), [(0.2, 394, 199), (0.5, 64, 34), (0.8, 26, 15)])
def test_published_sample_sizes(d, independent, paired):
    assert seeds_needed(d) == seeds_needed(-d) == independent
    assert seeds_needed(d, paired=True) == paired


@pytest.mark.parametrize("n_1", [2, 5, 110])
@pytest.mark.parametrize("n_2", [2, 30])
@pytest.mark.parametrize("d", [0.01, 0.2, 0.4])
def test_power_is_that_of_statsmodels(d, n_1, n_2):
    assert achieved_power(d, n_1, n_2) == pytest.approx(TTestIndPower().power(d, n_1, 0.05, ratio=n_2 / n_1))
    assert achieved_power(d, n_1, paired=True) == pytest.approx(TTestPower().power(d, n_1, 0.05))


@pytest.mark.parametrize("paired", [False, True])
def test_power_grows_from_alpha_to_one_without_gaps(paired):
    for n in (2, 3, 10, 100, 1000):
        powers = [achieved_power(d, n, paired=paired) for d in np.linspace(0, 30, 60)]
        assert powers[0] == pytest.approx(0.05)
        assert powers[-1] > 0.97
        assert (np.diff(powers) > -1e-9).all()


def test_needed_seeds_reach_the_power_and_one_fewer_does_not():
    for d in (0.3, 0.9, 1.7):
        n = seeds_needed(d, power=0.9)
        assert achieved_power(d, n) >= 0.9 > achieved_power(d, n - 1)


@pytest.mark.parametrize("n", [2, 3, 5, 110])
@pytest.mark.parametrize("paired", [False, True])
def test_detectable_effect_is_the_inverse_of_power(n, paired):
    assert achieved_power(detectable_effect(n, paired=paired), n, paired=paired) == pytest.approx(0.8)


def test_what_has_no_answer():
    assert seeds_needed(0.0) is None
    assert seeds_needed(math.nan) is None
    assert seeds_needed(1e-6) is None
    assert math.isnan(achieved_power(0.5, 1))
    assert math.isnan(detectable_effect(1))
    assert math.isnan(detectable_effect(2, alpha=1e-6))


def test_power_of_comparisons():
    comparisons = compare_groups(study(seeds=4), "model_name", within=["dataset_name"])
    table = power_of_comparisons(comparisons)
    assert list(table.columns[:3]) == ["dataset_name", "first", "second"]
    row, compared = table.iloc[1], comparisons.iloc[1]
    assert row["seeds_needed"] == seeds_needed(compared["cohens_d"])
    assert row["power_at_observed"] == achieved_power(compared["cohens_d"], 4)
    assert row["detectable_difference"] == pytest.approx(detectable_effect(4) * compared["sd_pooled"])


def test_planning_table():
    table = planning_table([0.5, 0.8])
    assert table.to_numpy().tolist() == [[0.5, 64, 34], [0.8, 26, 15]]
