"""Concordance and squared error: what they are, what does not count, and that nothing explodes."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.training.regression_losses import ConcordanceLoss, StandardizedSquaredError

LOSSES = [ConcordanceLoss(), StandardizedSquaredError([0.5, 2.0, 1.0])]
TARGETS = 3


def concordance(true: np.ndarray, pred: np.ndarray, weights: np.ndarray) -> float:
    """Of one target, after Lin (1989), written out."""

    def mean(values):
        return np.average(values, weights=weights)

    covariance = mean((true - mean(true)) * (pred - mean(pred)))
    variances = mean((true - mean(true)) ** 2) + mean((pred - mean(pred)) ** 2)
    return 2 * covariance / (variances + (mean(true) - mean(pred)) ** 2)


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratings around 4, predictions that know something of them, and weights."""
    rng = np.random.default_rng(0)
    true = rng.normal(4.0, 1.0, (12, TARGETS)).astype("float32")
    pred = (0.6 * true + rng.normal(1.0, 0.5, true.shape)).astype("float32")
    return true, pred, rng.uniform(0.1, 1.0, 12).astype("float32")


def slope(loss: keras.losses.Loss, true: np.ndarray, pred: np.ndarray, weights=None) -> np.ndarray:
    """The gradient with respect to `pred`, which is a layer's bias here, so that it works on all backends."""
    inputs = keras.Input((1,))
    outputs = keras.layers.Dense(pred.size, name="pred")(inputs)
    model = keras.Model(inputs, keras.layers.Reshape(pred.shape)(outputs))

    class OfBatch(keras.losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return loss(y_true[0], y_pred[0], weights)

        def call(self, y_true, y_pred):
            return self(y_true, y_pred)

    model.get_layer("pred").bias.assign(pred.reshape(-1))
    model.compile(keras.optimizers.SGD(1.0), OfBatch())
    model.train_on_batch(np.zeros((1, 1), "float32"), true[None])
    after = ops.convert_to_numpy(model.get_layer("pred").bias.value)
    return pred - after.reshape(pred.shape)


def test_concordance_is_lins(batch) -> None:
    true, pred, weights = batch
    expected = 1 - np.mean([concordance(true[:, i], pred[:, i], weights) for i in range(TARGETS)])
    assert 0.1 < expected < 0.9
    assert float(ConcordanceLoss()(true, pred, weights)) == pytest.approx(expected, abs=1e-6)


def test_concordance_of_equal_and_of_opposite_values(batch) -> None:
    true = batch[0] - batch[0].mean(axis=0)
    assert float(ConcordanceLoss()(true, true)) == pytest.approx(0.0, abs=1e-6)
    assert float(ConcordanceLoss()(true, -true)) == pytest.approx(2.0, abs=1e-6)


def test_squared_error_is_of_standardised_values(batch) -> None:
    true, pred, weights = batch
    scales = [0.5, 2.0, 1.0]
    expected = np.average(((true - pred) / np.array(scales)) ** 2, axis=0, weights=weights).mean()
    loss = StandardizedSquaredError(scales)(true, pred, weights)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    plain = float(StandardizedSquaredError()(true, pred))
    assert plain == pytest.approx(((true - pred) ** 2).mean(), rel=1e-5)


def test_concordance_does_not_depend_on_units(batch) -> None:
    true, pred, _ = batch
    scales = np.array([1e-4, 1.0, 1e4], "float32")
    loss = ConcordanceLoss(scales.tolist())(true * scales, pred * scales)
    assert float(loss) == pytest.approx(float(ConcordanceLoss()(true, pred)), rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_empty_places_and_missing_values_do_not_count(loss: keras.losses.Loss, batch) -> None:
    """Whatever stands there; and a target that all lack leaves the mean over the targets."""
    true, pred, weights = batch
    with_empty = [np.concatenate([values, np.full((2, TARGETS), np.nan)]) for values in (true, pred)]
    padded = loss(*with_empty, np.concatenate([weights, [0.0, 0.0]]))
    assert float(padded) == pytest.approx(float(loss(true, pred, weights)), rel=1e-6)

    missing, unrated = true.copy(), true.copy()
    missing[:4, 1], unrated[:, 1] = np.nan, np.nan
    of_target = [
        float(type(loss)(loss.scales and loss.scales[i : i + 1])(true[k:, [i]], pred[k:, [i]], weights[k:]))
        for i, k in enumerate((0, 4, 0))
    ]
    assert float(loss(missing, pred, weights)) == pytest.approx(np.mean(of_target), rel=1e-5)
    assert float(loss(unrated, pred, weights)) == pytest.approx((of_target[0] + of_target[2]) / 2, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_missing_values_have_no_gradient_and_disturb_no_other(loss: keras.losses.Loss, batch) -> None:
    true, pred, weights = batch
    true = true.copy()
    true[3, 1] = np.nan
    weights[5] = 0.0
    gradient = slope(loss, true, pred, weights)
    assert np.isfinite(gradient).all()
    assert gradient[3, 1] == 0.0
    assert not gradient[5].any()
    assert (gradient != 0).sum() == gradient.size - 1 - TARGETS


def one_utterance(true, pred):
    true[1:] = np.nan


def constant_targets(true, pred):
    true[:] = 0.1


def all_constant_and_equal(true, pred):
    true[:], pred[:] = 0.1, 0.1


def nothing_rated(true, pred):
    true[:] = np.nan


DEGENERATE = [one_utterance, constant_targets, all_constant_and_equal, nothing_rated]


@pytest.mark.parametrize("change", DEGENERATE, ids=lambda change: change.__name__)
def test_concordance_that_is_not_defined_is_finite(change, batch) -> None:
    """And asks for no step."""
    true, pred, _ = (values.copy() for values in batch)
    change(true, pred)
    expected = 0.0 if change is nothing_rated else 1.0
    assert float(ConcordanceLoss()(true, pred)) == pytest.approx(expected, abs=1e-5)
    gradient = slope(ConcordanceLoss(), true, pred)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient, 0.0, atol=1e-5)


def test_a_single_utterance_alone_is_finite() -> None:
    true, pred = np.array([[1.0, 2.0]], "float32"), np.array([[1.5, 2.0]], "float32")
    assert float(ConcordanceLoss()(true, pred)) == pytest.approx(1.0)
    assert not slope(ConcordanceLoss(), true, pred).any()
    assert slope(StandardizedSquaredError(), true, pred)[0, 0] == pytest.approx(0.5)


def test_gradient_of_concordance_is_its_slope(batch) -> None:
    true, pred, weights = batch
    gradient = slope(ConcordanceLoss(), true, pred, weights)
    direction = np.random.default_rng(1).normal(size=pred.shape)
    ahead, behind = (
        1
        - np.mean(
            [concordance(true[:, i], (pred + sign * 1e-5 * direction)[:, i], weights) for i in range(TARGETS)]
        )
        for sign in (1, -1)
    )
    assert (gradient * direction).sum() == pytest.approx((ahead - behind) / 2e-5, rel=1e-3)


def test_half_precision_predictions_are_computed_with_in_float32(batch) -> None:
    true, pred, _ = batch
    half = ops.cast(pred, "bfloat16")
    for loss in LOSSES:
        result = loss(true, half)
        assert keras.backend.standardize_dtype(result.dtype) == "float32"
        assert float(result) == pytest.approx(float(loss(true, ops.cast(half, "float32"))), rel=1e-6)


def test_one_target_may_be_flat(batch) -> None:
    true, pred, _ = batch
    flat = ConcordanceLoss()(true[:, 0], pred[:, :1])
    assert float(flat) == pytest.approx(float(ConcordanceLoss()(true[:, :1], pred[:, :1])))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_survives_its_config(loss: keras.losses.Loss) -> None:
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is type(loss)
    assert copy.scales == loss.scales
