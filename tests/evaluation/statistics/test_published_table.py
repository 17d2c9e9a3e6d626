"""The published F and t values come out within 2%, from the table itself and from runs like its own."""

import pytest

from kser.evaluation.statistics.anova import RESIDUAL, anova, anova_from_summary
from kser.evaluation.statistics.comparisons import compare_groups, t_test_from_summary
from kser.evaluation.statistics.descriptive import pool
from tests.evaluation.statistics import published
from tests.evaluation.statistics.simulated import runs_with


@pytest.fixture(scope="module")
def runs():
    return runs_with(published.CELLS, published.SD_DDOF)


@pytest.fixture(scope="module", params=["table", "runs"])
def effects(request, runs):
    if request.param == "table":
        return anova_from_summary(published.CELLS, published.FACTORS, published.SD_DDOF).set_index("source")
    return anova(runs, published.FACTORS).set_index("source")


@pytest.mark.parametrize(("source", "f"), published.F_VALUES.items())
def test_f_values(effects, source, f):
    assert effects.loc[source, "f"] == pytest.approx(f, rel=0.02)
    assert effects.loc[source, "df"] == 1


def test_degrees_of_freedom_and_significance(effects):
    assert effects.loc[RESIDUAL, "df"] == published.RESIDUAL_DF
    p = effects["p"].drop(RESIDUAL)
    assert 0.0 < p.min() < 1e-300, "too small for a float, and yet not zero"
    assert p["architecture × pre-fine-tuning × test set"] > 0.05
    assert p.drop("architecture × pre-fine-tuning × test set").max() < 0.01


@pytest.mark.parametrize(("levels", "t"), published.T_VALUES.items())
def test_t_values_from_the_table(levels, t):
    factor, first, second = levels
    groups = pool(published.CELLS, [factor], published.SD_DDOF).set_index(factor)
    one, two = (groups.loc[level, ["mean", "sd", "n"]] for level in (first, second))
    test = t_test_from_summary(*one, *two, equal_variance=True)
    assert test.t == pytest.approx(t, rel=0.02)
    assert test.df == 878


@pytest.mark.parametrize(("levels", "t"), published.T_VALUES.items())
def test_t_values_from_runs(runs, levels, t):
    factor, first, second = levels
    (row,) = compare_groups(runs, factor).to_dict("records")
    sign = 1 if (row["first"], row["second"]) == (first, second) else -1
    assert sign * row["t_student"] == pytest.approx(t, rel=0.02)
