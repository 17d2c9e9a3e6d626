"""Pairwise tests agree with SciPy, Holm's correction with its definition, pairs are those of equal seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from kser.errors import UserError
from kser.evaluation.statistics.comparisons import (
    NO_SPREAD,
    TOO_FEW,
    compare_groups,
    compare_paired,
    describe_differences,
    holm,
    smallest_rank_p,
    t_test,
    t_test_from_summary,
)
from tests.evaluation.statistics.simulated import study

SAMPLES = st.lists(st.integers(0, 1000), min_size=2, max_size=12).map(lambda values: np.array(values) / 1000)


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES, st.booleans())
def test_t_test_is_that_of_scipy_from_runs_and_from_summaries(one, two, equal_variance):
    if np.ptp(one) == 0 and np.ptp(two) == 0:
        assert all(map(math.isnan, t_test(one, two, equal_variance=equal_variance)))
        return
    test = t_test(one, two, equal_variance=equal_variance)
    summary = [one.mean(), one.std(ddof=1), len(one), two.mean(), two.std(ddof=1), len(two)]
    t, p = stats.ttest_ind_from_stats(*summary, equal_var=equal_variance)
    assert (test.t, test.p) == (pytest.approx(t, abs=1e-9), pytest.approx(p, rel=1e-9))
    population = [one.mean(), one.std(), len(one), two.mean(), two.std(), len(two)]
    again = t_test_from_summary(*population, equal_variance=equal_variance, sd_ddof=0)
    assert again == pytest.approx(test)
    assert 2 * stats.t.sf(abs(test.t), test.df) == pytest.approx(test.p, rel=1e-6), "the degrees of freedom"


@pytest.mark.parametrize("tests", [1, 2, 12])
def test_holm_is_that_of_statsmodels(tests):
    p_values = np.random.default_rng(tests).uniform(size=tests) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_no_correction_and_bonferroni(p_values):
    corrected = holm(p_values)
    assert (np.diff(corrected[np.argsort(p_values)]) >= 0).all()
    assert (corrected >= p_values).all()
    assert (corrected <= np.minimum(1.0, len(p_values) * np.array(p_values))).all()


def test_tests_that_were_not_made_do_not_count_for_holm():
    assert holm([0.01, np.nan, 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert np.isnan(holm([np.nan])).all()


def test_every_two_models_on_each_data_set():
    runs = study()
    table = compare_groups(runs, "model_name", within=["dataset_name"])
    assert len(table) == 2 * 6
    row = table[
        (table["dataset_name"] == "EMOVO") & (table["first"] == "w2v") & (table["second"] == "hub")
    ].iloc[0]
    emovo = runs[runs["dataset_name"] == "EMOVO"].set_index("model_name")["uar"]
    one, two = emovo["w2v"].to_numpy(), emovo["hub"].to_numpy()
    welch = stats.ttest_ind(one, two, equal_var=False)
    assert (row["t_welch"], row["p_welch"]) == (pytest.approx(welch.statistic), pytest.approx(welch.pvalue))
    interval = welch.confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))
    u = stats.mannwhitneyu(one, two)
    assert (row["u"], row["p_mann_whitney"]) == (u.statistic, pytest.approx(u.pvalue))
    wins = np.sign(one[:, None] - two[None, :]).mean()
    assert row["rank_biserial"] == pytest.approx(wins)
    pooled = math.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2)
    assert row["cohens_d"] == pytest.approx((one.mean() - two.mean()) / pooled)
    assert row["hedges_g"] / row["cohens_d"] == pytest.approx(1 - 3 / (4 * 8 - 1), abs=2e-3)
    assert list(table["p_welch_holm"]) == pytest.approx(list(holm(table["p_welch"])))


def test_pairing_by_seed_sees_what_the_splits_hide():
    runs = study(seeds=6).sample(frac=1, random_state=3)
    emovo = runs[runs["dataset_name"] == "EMOVO"]
    pairs = compare_paired(emovo, "model_name").set_index(["first", "second"])
    wide = emovo.pivot(index="seed", columns="model_name", values="uar")
    for (first, second), row in pairs.iterrows():
        test = stats.ttest_rel(wide[first], wide[second])
        assert (row["t"], row["p"]) == (pytest.approx(test.statistic), pytest.approx(test.pvalue))
        assert row["p_wilcoxon"] == pytest.approx(stats.wilcoxon(wide[first], wide[second]).pvalue)
        assert (row["pairs"], row["unpaired"]) == (6, 0)
    one = "w2v", "hub"
    row = pairs.loc[one] if one in pairs.index else pairs.loc[one[::-1]]
    independent = stats.ttest_ind(wide["w2v"], wide["hub"]).pvalue
    assert row["p"] < 0.01
    assert independent > 0.1


def test_seeds_without_partner_are_counted_and_left_out():
    runs = study(seeds=5)
    runs = runs[(runs["dataset_name"] == "EMOVO") & runs["model_name"].isin(["w2v", "hub"])]
    runs = runs[~((runs["model_name"] == "hub") & (runs["seed"] == 2))]
    (row,) = compare_paired(runs, "model_name").to_dict("records")
    assert (row["pairs"], row["unpaired"]) == (4, 1)


def test_blocks_pair_within_themselves_and_give_one_pair_a_seed():
    runs = study(seeds=5)
    (row,) = compare_paired(runs, "architecture", blocks=["pre-fine-tuning", "dataset_name"]).to_dict(
        "records"
    )
    means = runs.groupby(["seed", "architecture"])["uar"].mean().unstack()
    differences = means[row["first"]] - means[row["second"]]
    assert row["pairs"] == 5
    assert row["difference"] == pytest.approx(differences.mean())
    assert row["sd_difference"] == pytest.approx(differences.std(ddof=1))
    with pytest.raises(UserError, match="these occur twice: architecture"):
        compare_paired(runs, "architecture")


def test_a_seed_without_all_blocks_does_not_pair():
    runs = study(seeds=5)
    lost = (runs["seed"] == 2) & (runs["dataset_name"] == "EMOVO") & (runs["model_name"] == "hub")
    blocks = ["pre-fine-tuning", "dataset_name"]
    (row,) = compare_paired(runs[~lost], "architecture", blocks=blocks).to_dict("records")
    (whole,) = compare_paired(runs[runs["seed"] != 2], "architecture", blocks=blocks).to_dict("records")
    assert (row["pairs"], row["unpaired"]) == (4, 1)
    assert row["difference"] == whole["difference"]
    assert row["p"] == whole["p"]
    never = runs[(runs["dataset_name"] != "EMOVO") | (runs["model_name"] != "hub")]
    (row,) = compare_paired(never, "architecture", blocks=blocks).to_dict("records")
    assert (row["pairs"], row["unpaired"]) == (5, 0), (
        "a block in which the two never pair is asked of no seed"
    )


def test_differences_without_a_pair_are_empty():
    runs = pd.DataFrame({"model_name": ["a", "b"], "seed": [0, 1], "uar": [0.5, 0.6]})
    (row,) = describe_differences(runs, "model_name").to_dict("records")
    assert (row["pairs"], row["unpaired"]) == (0, 2)
    assert math.isnan(row["difference"])
    assert math.isnan(row["max_difference"])


def runs_of(**values):
    return pd.DataFrame(
        [(model, seed, uar) for model, several in values.items() for seed, uar in enumerate(several)],
        columns=["model_name", "seed", "uar"],
    )


@pytest.mark.parametrize("compare", [compare_groups, compare_paired])
@pytest.mark.parametrize(
    ("runs", "remark"),
    [
        (runs_of(a=[0.5], b=[0.6]), ("fewer than two pairs", TOO_FEW)),
        (runs_of(a=[0.1, 0.1, 0.1], b=[0.1, 0.1, 0.1]), (NO_SPREAD,)),
        (runs_of(a=[0.5, 0.6, 0.7], b=[float("nan"), 0.6, float("nan")]), ("fewer than two pairs", TOO_FEW)),
    ],
)
def test_what_cannot_be_tested_says_why(compare, runs, remark):
    (row,) = compare(runs, "model_name").to_dict("records")
    assert row["remark"] in remark
    assert math.isnan(row["ci_low"])
    assert math.isnan(row["p_holm" if compare is compare_paired else "p_welch_holm"])


def test_one_model_gives_no_comparison():
    assert compare_groups(runs_of(a=[0.5, 0.6]), "model_name").empty
    assert compare_paired(runs_of(a=[0.5, 0.6]), "model_name").empty


def test_rank_tests_of_few_runs_have_a_floor():
    assert smallest_rank_p(3, 3) == pytest.approx(stats.mannwhitneyu([1, 2, 3], [4, 5, 6]).pvalue)
    assert smallest_rank_p(5) == pytest.approx(stats.wilcoxon([1, 2, 3, 4, 5]).pvalue)
