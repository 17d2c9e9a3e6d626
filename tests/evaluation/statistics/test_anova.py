"""The two ways to an analysis of variance agree with each other, with statsmodels and with SciPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from kser.errors import UserError
from kser.evaluation.statistics.anova import (
    RESIDUAL,
    anova,
    anova_from_summary,
    equal_spread_p,
    factorial_terms,
)
from kser.evaluation.statistics.descriptive import describe
from tests.evaluation.statistics.simulated import runs_with


@st.composite
def cells(draw, balanced: bool):
    """A complete factorial of one to three factors with two or three levels and two to five runs a cell."""
    levels = draw(st.lists(st.integers(2, 3), min_size=1, max_size=3))
    factors = [f"factor-{position}" for position in range(len(levels))]
    grid = pd.MultiIndex.from_product([[f"level {i}" for i in range(n)] for n in levels], names=factors)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = grid.to_frame(index=False)
    table["n"] = draw(st.integers(2, 5)) if balanced else rng.integers(2, 6, len(table))
    table["mean"], table["sd"] = rng.uniform(0.2, 0.9, len(table)), rng.uniform(0.01, 0.05, len(table))
    return factors, table.sample(frac=1, random_state=0)


def assert_same(one: pd.DataFrame, two: pd.DataFrame) -> None:
    assert list(one["source"]) == list(two["source"])
    numbers = list(one.columns.drop("source"))
    np.testing.assert_allclose(one[numbers], two[numbers], rtol=1e-6, atol=1e-9)


@pytest.mark.thorough
@settings(max_examples=25, deadline=None)
@given(cells(balanced=True), st.sampled_from([0, 1]))
def test_both_ways_agree_on_balanced_data(case, sd_ddof):
    factors, table = case
    from_cells = anova_from_summary(table, factors, sd_ddof)
    assert_same(from_cells, anova(runs_with(table, sd_ddof), factors))
    effects = from_cells["sum_of_squares"].to_numpy()
    total = runs_with(table, sd_ddof)["uar"].var(ddof=0) * table["n"].sum()
    assert effects.sum() == pytest.approx(total), "the classic decomposition: the squares add up"


@pytest.mark.thorough
@settings(max_examples=25, deadline=None)
@given(cells(balanced=False))
def test_both_ways_agree_on_unbalanced_data(case):
    factors, table = case
    assert_same(anova_from_summary(table, factors), anova(runs_with(table), factors))


def test_one_factor_is_what_scipy_has():
    runs = runs_with(
        pd.DataFrame({"model": list("abc"), "n": [4, 6, 5], "mean": [0.5, 0.6, 0.55], "sd": 0.03})
    )
    effect = anova(runs, ["model"]).iloc[0]
    f, p = stats.f_oneway(*(group["uar"] for _, group in runs.groupby("model")))
    assert (effect["f"], effect["p"]) == (pytest.approx(f), pytest.approx(p))
    ss = effect["sum_of_squares"]
    ss_error = anova(runs, ["model"]).iloc[1]["sum_of_squares"]
    share = pytest.approx(ss / (ss + ss_error))
    assert effect["eta_squared"] == share and effect["partial_eta_squared"] == share
    mse = ss_error / 12
    assert effect["omega_squared"] == pytest.approx((ss - 2 * mse) / (ss + ss_error + mse))


TWO_BY_TWO = pd.DataFrame(
    {"a": list("xxyy"), "b": list("pqpq"), "n": 3, "mean": [0.5, 0.6, 0.4, 0.7], "sd": 0.02}
)


def test_empty_cell_leaves_the_main_effects_as_type_two():
    runs = runs_with(TWO_BY_TWO.iloc[:3])
    terms, lines = factorial_terms(runs, ["a", "b"])
    assert terms == [("a",), ("b",)]
    assert lines == ["a × b cannot be estimated: no runs in y / q"]
    table = anova(runs, ["a", "b"], terms=terms).set_index("source")
    expected = anova_lm(ols("uar ~ C(a) + C(b)", runs).fit(), typ=2)
    assert list(table["f"].dropna()) == pytest.approx(list(expected["F"].dropna()))
    assert table.loc[RESIDUAL, "df"] == 6
    with pytest.raises(UserError, match="a × b cannot be estimated: no runs in y / q"):
        anova(runs, ["a", "b"])


def test_factors_that_change_together_are_named():
    with pytest.raises(UserError, match="b cannot be told apart from a: their levels change together"):
        anova(runs_with(TWO_BY_TWO.iloc[[0, 3]]), ["a", "b"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TWO_BY_TWO.iloc[:2], "a has one level .x."),
        (TWO_BY_TWO.assign(n=1), "no cell has two runs"),
        (TWO_BY_TWO.assign(sd=0.0), "all runs of a condition have the same value"),
    ],
)
def test_what_cannot_be_computed_says_why(table, message):
    for function, argument in ((anova, runs_with(table)), (anova_from_summary, table)):
        with pytest.raises(UserError, match=message):
            function(argument, ["a", "b"])


def test_cells_of_a_table_are_complete_and_unique():
    with pytest.raises(UserError, match="no runs in: y / q"):
        anova_from_summary(TWO_BY_TWO.iloc[:3], ["a", "b"])
    with pytest.raises(UserError, match="more than once: x / p"):
        anova_from_summary(pd.concat([TWO_BY_TWO, TWO_BY_TWO.iloc[:1]]), ["a", "b"])


def test_runs_without_a_value_are_left_out():
    runs = runs_with(TWO_BY_TWO.assign(n=4))
    lost = runs.assign(uar=runs["uar"].where(runs["seed"] != 0))
    left = anova(lost, ["a", "b"])
    assert left.iloc[-1]["df"] == 8
    summary = describe(lost, ["a", "b"])
    assert_same(left, anova_from_summary(summary, ["a", "b"]))


def test_equal_spread_is_brown_and_forsythe():
    runs = runs_with(TWO_BY_TWO.assign(n=8, sd=[0.01, 0.05, 0.02, 0.09]))
    groups = [group["uar"] for _, group in runs.groupby(["a", "b"])]
    assert equal_spread_p(runs, ["a", "b"]) == pytest.approx(stats.levene(*groups, center="median").pvalue)
    assert np.isnan(equal_spread_p(runs_with(TWO_BY_TWO.assign(n=2)), ["a", "b"]))
    assert np.isnan(equal_spread_p(runs_with(TWO_BY_TWO.assign(sd=0.0)), ["a", "b"]))
