"""Description, pooling, and the marking of runs at chance level."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.evaluation.statistics.descriptive import describe, pool, sample_sd
from kser.evaluation.statistics.divergence import at_chance_level, chance_level_runs
from kser.evaluation.statistics.effect_sizes import cohens_d, hedges_g, matched_rank_biserial
from tests.evaluation.statistics.simulated import runs_with, study

CELLS = pd.DataFrame(
    {"model": list("aabb"), "data": list("xyxy"), "n": [2, 5, 3, 4], "mean": [0.5, 0.7, 0.4, 0.9], "sd": 0.03}
)


def test_describe():
    runs = pd.DataFrame(
        [("b", 0.5), ("a", 0.7), ("b", 0.7), ("b", float("nan")), ("c", float("nan"))],
        columns=["model_name", "uar"],
    )
    table = describe(runs, ["model_name"]).set_index("model_name")
    assert list(table.index) == ["b", "a", "c"], "in order of appearance"
    assert list(table["n"]) == [2, 1, 0]
    assert list(table["missing"]) == [1, 0, 1]
    assert table.loc["b", ["mean", "sd", "min", "max"]].tolist() == pytest.approx(
        [0.6, math.sqrt(0.02), 0.5, 0.7]
    )
    assert table.loc["a", "mean"] == 0.7
    assert math.isnan(table.loc["a", "sd"])
    assert table.loc["c", ["mean", "sd", "min", "max"]].isna().all()


@pytest.mark.parametrize("sd_ddof", [0, 1])
@pytest.mark.parametrize("by", [["model"], ["data"]])
def test_pooled_cells_are_described_as_their_runs_are(by, sd_ddof):
    expected = describe(runs_with(CELLS, sd_ddof), by)
    pooled = pool(CELLS, by, sd_ddof)
    columns = ["n", "mean", "sd"]
    np.testing.assert_allclose(pooled[columns].astype(float), expected[columns].astype(float))
    assert list(pooled[by[0]]) == list(expected[by[0]])


@given(st.floats(0.01, 0.99), st.integers(2, 40))
def test_equal_values_have_no_spread_at_all(value, n):
    assert sample_sd(np.full(n, value)) == 0.0


def test_chance_level():
    runs = pd.DataFrame({"uar": [1 / 7, 0.16, 0.17, 0.1, 0.3, np.nan], "n_classes": [7, 7, 7, 7, np.nan, 7]})
    assert at_chance_level(runs).tolist() == [True, True, False, True, False, False]
    assert at_chance_level(runs, margin=0.0).tolist() == [True, False, False, True, False, False]


def test_listing_tells_a_diverged_run_from_a_hard_corpus():
    runs = study(seeds=3, diverged=(("w2v", 1),))
    hard = (runs["model_name"] == "hub") & (runs["seed"] == 2) & (runs["dataset_name"] == "EMOVO")
    runs.loc[hard, "uar"] = 0.12
    listed = chance_level_runs(runs.assign(at_chance=at_chance_level(runs)))
    assert listed[["model_name", "seed", "at_chance_on", "evaluated_on"]].to_numpy().tolist() == [
        ["w2v", 1, 2, 2],
        ["w2v", 1, 2, 2],
        ["hub", 2, 1, 2],
    ]


def test_effect_sizes():
    assert cohens_d(0.6, 0.1, 5, 0.5, 0.1, 5) == pytest.approx(1.0)
    assert math.isnan(cohens_d(0.6, 0.0, 5, 0.5, 0.0, 5))
    # Hedges 1981, table 1: c(8) = 0.9027
    assert hedges_g(1.0, 5, 5) == pytest.approx(0.9027, abs=1e-4)
    assert matched_rank_biserial(np.array([3.0, -1.0, 2.0, 0.0])) == pytest.approx((2 + 3 - 1) / 6)
    assert math.isnan(matched_rank_biserial(np.zeros(3)))
