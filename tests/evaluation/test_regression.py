"""CCC, MSE and Pearson's r against audmetric and scipy, also where they are not defined."""

import json

import audmetric
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kser.errors import UserError
from kser.evaluation.regression import (
    concordance_correlation,
    mean_squared_error,
    pearson_correlation,
    regression_report,
)
from kser.evaluation.speaker_bootstrap import Resampling

unhurried = settings(deadline=None, max_examples=40)
# Thousandths: the measures are continuous, but not where rounding alone tells a constant from others.
numbers = st.integers(-5000, 5000).map(lambda thousandths: thousandths / 1000)
both = st.integers(2, 30).flatmap(lambda n: hnp.arrays(np.float64, (2, n), elements=numbers))


@unhurried
@given(both)
def test_measures_are_those_of_audmetric(pair):
    true, pred = pair
    of_both = {"y_true": true, "y_pred": pred}
    ccc, r = audmetric.concordance_cc(true, pred), np.nan
    if np.ptp(pair) == 0:  # it divides what rounding leaves by itself there
        ccc = np.nan
    if np.ptp(true) > 0 and np.ptp(pred) > 0:
        r = audmetric.pearson_cc(true, pred)
    assert concordance_correlation(**of_both)[0] == pytest.approx(ccc, abs=1e-9, nan_ok=True)
    assert mean_squared_error(**of_both)[0] == pytest.approx(
        audmetric.mean_squared_error(true, pred), abs=1e-9
    )
    assert pearson_correlation(**of_both)[0] == pytest.approx(r, abs=1e-7, nan_ok=True)


@unhurried
@given(both, st.integers(-1000, 1000))
def test_moving_both_changes_nothing(pair, shift):
    true, pred = pair
    for measure in (concordance_correlation, mean_squared_error):
        moved = measure(y_true=true + shift, y_pred=pred + shift)
        np.testing.assert_allclose(moved, measure(y_true=true, y_pred=pred), rtol=1e-6, atol=1e-6)


def test_population_moments_in_a_worked_example():
    of_both = {"y_true": [0.0, 1.0, 2.0], "y_pred": [0.0, 1.0, 1.0]}
    # covariance 1/3, variances 2/3 and 2/9, difference of the means 1/3
    assert concordance_correlation(**of_both) == pytest.approx([2 / 3 / (2 / 3 + 2 / 9 + 1 / 9)])
    assert mean_squared_error(**of_both) == pytest.approx([1 / 3])


def test_constants():
    constant, varied = [3.1] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]
    assert concordance_correlation(y_true=varied, y_pred=constant).tolist() == [0.0]
    assert np.isnan(pearson_correlation(y_true=varied, y_pred=constant))
    assert concordance_correlation(y_true=constant, y_pred=[3.0] * 5).tolist() == [0.0]
    assert np.isnan(concordance_correlation(y_true=constant, y_pred=constant))


def test_report_per_target_with_means():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40, 2))
    pred = true + rng.normal(size=(40, 2))
    speakers = np.repeat(np.arange(10), 4)
    report = regression_report(
        y_true=true,
        y_pred=pred,
        targets=["arousal", "valence"],
        speakers=speakers,
        groups={"gender": np.where(speakers < 5, "female", "male")},
        resampling=Resampling(resamples=200),
    )
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    expected = [audmetric.concordance_cc(true[:, i], pred[:, i]) for i in range(2)]
    assert [entry["ccc"] for entry in report["per_target"]] == pytest.approx(expected)
    assert [entry["target"] for entry in report["per_target"]] == ["arousal", "valence"]
    assert report["ccc"] == pytest.approx(np.mean(expected))
    assert report["intervals"]["ccc"][0] < report["ccc"] < report["intervals"]["ccc"][1]
    of_women = report["subgroups"]["gender"]["female"]
    assert of_women["ccc_valence"] == pytest.approx(audmetric.concordance_cc(true[:20, 1], pred[:20, 1]))
    [test] = report["subgroup_tests"]["gender"]["comparisons"]
    assert test["difference"] == pytest.approx(of_women["ccc"] - report["subgroups"]["gender"]["male"]["ccc"])


def test_an_undefined_target_is_not_passed_over_in_the_mean():
    true = np.array([[1.0, 2.0], [1.0, 3.0]])
    report = regression_report(y_true=true, y_pred=true, targets=["arousal", "valence"])
    assert [entry["ccc"] for entry in report["per_target"]] == [None, 1.0]
    assert report["ccc"] is None
    assert report["mse"] == 0.0


def test_an_utterance_without_a_value_counts_for_the_other_targets():
    rng = np.random.default_rng(1)
    true = rng.normal(size=(60, 3))
    pred = true + rng.normal(size=(60, 3))
    missing = rng.random(60) < 0.3
    true[missing, 0] = true[0, :] = true[:, 2] = np.nan
    speakers = np.arange(60) % 9
    groups = {"gender": np.where(speakers < 4, "female", "male")}
    targets = ["arousal", "valence", "dominance"]
    resampling = Resampling(resamples=50, seed=3)
    report = regression_report(
        y_true=true,
        y_pred=pred,
        targets=targets,
        speakers=speakers,
        groups=groups,
        resampling=resampling,
    )
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["n"] == 59 and report["targets_without_values"] == ["dominance"] and report["ccc"] is None
    [test] = report["subgroup_tests"]["gender"]["comparisons"]
    assert test["p"] is None and test["warning"] == "ccc is not defined in both groups"
    for i, target in enumerate(targets[:2]):
        known = ~np.isnan(true[:, i])
        entry = report["per_target"][i]
        assert entry["n"] == known.sum()
        assert entry["ccc"] == pytest.approx(audmetric.concordance_cc(true[known, i], pred[known, i]))
        assert entry["pearson"] == pytest.approx(audmetric.pearson_cc(true[known, i], pred[known, i]))
        assert entry["predicted_sd"] == pytest.approx(pred[known, i].std())
        women = known & (speakers < 4)
        expected = audmetric.concordance_cc(true[women, i], pred[women, i])
        assert report["subgroups"]["gender"]["female"][f"ccc_{target}"] == pytest.approx(expected)
        alone = regression_report(
            y_true=true[known, i],
            y_pred=pred[known, i],
            targets=[target],
            speakers=speakers[known],
            resampling=resampling,
        )
        assert report["intervals"][f"ccc_{target}"] == pytest.approx(alone["intervals"]["ccc"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y_true": [], "y_pred": [], "targets": ["a"]}, UserError, "nothing to evaluate"),
        ({"y_true": [1.0], "y_pred": [1.0, 2.0], "targets": ["a"]}, ValueError, "shape"),
        ({"y_true": [1.0], "y_pred": [np.nan], "targets": ["a"]}, ValueError, "no NaN"),
        ({"y_true": [np.inf], "y_pred": [1.0], "targets": ["a"]}, ValueError, "no infinity"),
        ({"y_true": [np.nan], "y_pred": [1.0], "targets": ["a"]}, UserError, "no utterance has a value"),
        ({"y_true": [1.0], "y_pred": [1.0], "targets": ["a", "b"]}, ValueError, "names 2 columns"),
        ({"y_true": [[[1.0]]], "y_pred": [[[1.0]]], "targets": ["a"]}, ValueError, "utterances, targets"),
        ({"y_true": [1.0], "y_pred": [1.0], "targets": ["a"], "groups": {}}, ValueError, "need speakers"),
    ],
)
def test_mistakes_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        regression_report(**arguments)
