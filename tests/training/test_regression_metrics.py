"""Metrics of numbers equal those of the evaluation over the whole set, however it is cut into batches."""

import keras
import numpy as np
import pytest

from kser.evaluation.regression import concordance_correlation, mean_squared_error
from kser.training.regression_losses import ConcordanceLoss, StandardizedSquaredError
from kser.training.regression_metrics import (
    ConcordanceCorrelation,
    ConcordanceLossMean,
    SquaredErrorMean,
    regression_metrics,
)

TARGETS = ("arousal", "valence", "dominance")


def ratings(count: int = 37, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.normal([4.0, -2.0, 0.0], [1.0, 0.1, 3.0], (count, 3))
    pred = 0.7 * true + rng.normal(0.5, 0.4, true.shape)
    return true.astype("float32"), pred.astype("float32")


def in_batches(metric: keras.metrics.Metric, true: np.ndarray, pred: np.ndarray, size: int) -> float:
    """Batches of one size, the last with empty places in which no number stands."""
    for start in range(0, len(true), size):
        part = slice(start, start + size)
        empty = np.full((size - len(true[part]), true.shape[1]), np.nan)
        metric.update_state(
            np.concatenate([true[part], empty]),
            np.concatenate([pred[part], empty]),
            sample_weight=np.concatenate([np.ones(len(true[part])), np.zeros(len(empty))]),
        )
    return float(metric.result())


@pytest.mark.parametrize("size", [1, 8, 37, 50])
def test_metrics_are_those_of_the_evaluation(size: int) -> None:
    true, pred = ratings()
    ccc = concordance_correlation(y_true=true, y_pred=pred)
    mse = mean_squared_error(y_true=true, y_pred=pred)
    expected = {"ccc": ccc.mean(), "mse": mse.mean()}
    expected |= {f"ccc_{target}": ccc[i] for i, target in enumerate(TARGETS)}
    expected |= {f"mse_{target}": mse[i] for i, target in enumerate(TARGETS)}
    results = {metric.name: in_batches(metric, true, pred, size) for metric in regression_metrics(TARGETS)}
    assert results == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [1, 8, 37])
def test_losses_over_the_whole_set_are_the_losses_of_it_as_one_batch(size: int) -> None:
    true, pred = ratings()
    true[5:9, 1] = np.nan
    scales = [1.0, 0.1, 3.0]
    for metric, loss in [
        (ConcordanceLossMean(3), ConcordanceLoss(scales)),
        (SquaredErrorMean(scales), StandardizedSquaredError(scales)),
    ]:
        assert in_batches(metric, true, pred, size) == pytest.approx(float(loss(true, pred)), rel=1e-5)


def test_a_target_without_ratings_is_left_out_of_the_mean() -> None:
    true, pred = ratings()
    true[:, 1] = np.nan
    for metric in (ConcordanceCorrelation(3), SquaredErrorMean([1.0] * 3)):
        of_two = concordance_correlation if isinstance(metric, ConcordanceCorrelation) else mean_squared_error
        expected = of_two(y_true=true[:, [0, 2]], y_pred=pred[:, [0, 2]]).mean()
        assert in_batches(metric, true, pred, 8) == pytest.approx(expected, rel=1e-5)


def test_values_far_from_zero_lose_no_digits() -> None:
    """Sums of squares of such values have no digit left for their variance in float32."""
    true, pred = ratings(500)
    far = (true + np.float32(256.0), pred + np.float32(256.0))
    expected = concordance_correlation(y_true=far[0], y_pred=far[1])
    results = [in_batches(ConcordanceCorrelation(3, i), *far, 8) for i in range(3)]
    np.testing.assert_allclose(results, expected, rtol=1e-4)


def test_small_errors_lose_no_digits() -> None:
    true, _ = ratings()
    pred = true + np.float32(1e-3)
    expected = mean_squared_error(y_true=true, y_pred=pred).mean()
    assert in_batches(SquaredErrorMean([1.0] * 3), true, pred, 8) == pytest.approx(expected, rel=1e-4)


def test_what_is_not_defined_is_zero() -> None:
    constant = np.ones((4, 1), "float32")
    assert in_batches(ConcordanceCorrelation(1), constant, constant, 4) == 0.0
    assert float(ConcordanceCorrelation(2).result()) == 0.0  # before the first utterance


def test_reset_begins_anew() -> None:
    for metric in regression_metrics(TARGETS):
        first = in_batches(metric, *ratings(), 8)
        metric.reset_state()
        assert in_batches(metric, *ratings(), 8) == first


def test_metrics_survive_their_configs() -> None:
    for metric in [*regression_metrics(TARGETS), ConcordanceLossMean(2), SquaredErrorMean([1.0, 2.0], 1)]:
        copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
        assert type(copy) is type(metric)
        assert copy.get_config() == metric.get_config()
