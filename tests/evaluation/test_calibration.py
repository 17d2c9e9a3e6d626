"""Calibration against scikit-learn, worked examples and definitions."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import image as matplotlib_image
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError
from kser.evaluation.calibration import (
    brier_score,
    calibration_report,
    expected_calibration_error,
    maximum_calibration_error,
    negative_log_likelihood,
    reliability_bins,
)
from kser.evaluation.calibration_plots import plot_reliability_diagram

LABELS = ["anger", "joy", "sadness"]
unhurried = settings(deadline=None, max_examples=40)


def outcome(seed, n):
    rng = np.random.default_rng(seed)
    return {
        "y_true": rng.choice(LABELS, n),
        "probabilities": rng.dirichlet(np.full(3, 0.5), n),
        "labels": LABELS,
    }


outcomes = st.builds(outcome, st.integers(0, 10_000), st.integers(1, 80))


@unhurried
@given(outcomes)
def test_nll_and_brier_are_those_of_scikit_learn(kwargs):
    true, probabilities = kwargs["y_true"], kwargs["probabilities"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it doubts sums that differ from 1 by rounding
        expected = sklearn_metrics.log_loss(true, probabilities, labels=LABELS)
    assert negative_log_likelihood(**kwargs) == pytest.approx(expected)
    columns = [(true == label).astype(float) for label in LABELS]
    of_classes = [
        sklearn_metrics.mean_squared_error(t, p) for t, p in zip(columns, probabilities.T, strict=True)
    ]
    assert brier_score(**kwargs) == pytest.approx(sum(of_classes))


@unhurried
@given(outcomes, st.integers(1, 20), st.sampled_from(["equal_width", "equal_count"]))
def test_every_utterance_is_in_one_bin(kwargs, bins, binning):
    table = reliability_bins(**kwargs, bins=bins, binning=binning)
    n = len(kwargs["y_true"])
    confidence = kwargs["probabilities"].max(axis=1)
    right = np.array(LABELS)[kwargs["probabilities"].argmax(axis=1)] == kwargs["y_true"]
    assert table["n"].sum() == n
    assert (table["n"] * table["confidence"]).sum() == pytest.approx(confidence.sum())
    assert (table["n"] * table["accuracy"]).sum() == pytest.approx(right.sum())
    filled = table[table["n"] > 0]
    assert (filled["confidence"] >= filled["low"] - 1e-12).all()
    assert (filled["confidence"] <= filled["high"] + 1e-12).all()
    assert abs(confidence.mean() - right.mean()) <= expected_calibration_error(table) + 1e-12
    assert expected_calibration_error(table) <= maximum_calibration_error(table) + 1e-12
    if binning == "equal_count":
        assert table["n"].max() - table["n"].min() <= 1


def test_a_worked_example():
    kwargs = {
        "y_true": ["anger", "joy", "joy", "anger", "contempt"],
        "probabilities": [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [1.0, 0.0], [0.5, 0.5]],
        "labels": ["anger", "joy"],
    }
    report = calibration_report(**kwargs, bins=2)
    # One bin (0.5, 1]: confidences .9 .8 .6 1, right but for the second.
    assert report["n"] == 4
    assert report["ece"] == report["mce"] == pytest.approx(abs(0.825 - 0.75))
    assert report["confidence"] == pytest.approx(0.825)
    assert report["accuracy"] == 0.75
    assert report["brier"] == pytest.approx((0.02 + 1.28 + 0.32 + 0.0) / 4)
    assert report["nll"] == pytest.approx(-np.log([0.9, 0.2, 0.6, 1.0]).mean())
    # By numbers: .6 and .8 (one right), .9 and 1 (both right).
    assert report["ece_adaptive"] == pytest.approx((abs(0.7 - 0.5) + abs(0.95 - 1.0)) / 2)
    assert report["reliability"][0] == {"low": 0.0, "high": 0.5, "n": 0, "confidence": None, "accuracy": None}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_a_probability_of_zero_for_the_truth_is_finite():
    kwargs = {"y_true": ["joy"], "probabilities": [[1.0, 0.0]], "labels": ["anger", "joy"]}
    assert negative_log_likelihood(**kwargs) == pytest.approx(-np.log(np.finfo(float).eps))
    assert brier_score(**kwargs) == 2.0


def test_probabilities_are_checked():
    with pytest.raises(ValueError, match=r"\(1, 2\), not"):
        calibration_report(y_true=["joy"], probabilities=[[0.5, 0.5]], labels=LABELS)
    for wrong in ([[0.5, 0.4, 0.4]], [[1.5, -0.5, 0.0]], [[np.nan, 0.5, 0.5]]):
        with pytest.raises(ValueError, match="sum to 1"):
            calibration_report(y_true=["joy"], probabilities=wrong, labels=LABELS)
    with pytest.raises(UserError, match="nothing to evaluate"):
        calibration_report(y_true=["awe"], probabilities=[[0.5, 0.3, 0.2]], labels=LABELS)


@pytest.mark.parametrize("binning", ["equal_width", "equal_count"])
@pytest.mark.parametrize("n", [1, 500])
def test_reliability_diagram_is_whole(tmp_path, n, binning):
    table = reliability_bins(**outcome(3, n), binning=binning)
    plot_reliability_diagram(table, tmp_path / "reliability.png", title="$wavlm_$ on EMOVO, seed 3")
    pixels = matplotlib_image.imread(tmp_path / "reliability.png")[..., :3]
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert (edge == 1.0).all()


def test_reliability_diagram_takes_the_entry_of_a_report(tmp_path):
    report = calibration_report(**outcome(1, 40))
    plot_reliability_diagram(pd.DataFrame(report["reliability"]), tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").read_bytes()[:4] == b"\x89PNG"
