"""Losses of numbers: concordance and squared error, with targets that may be missing.

All of them take `y_true` and `y_pred` (batch, targets) and compute in float32. NaN in `y_true` stands for a
target that nobody rated: that utterance does not count for that target. Neither does one of sample weight 0,
an empty place of a batch, whatever it holds. A target without any utterance is left out of the mean over
the targets.
"""

from collections.abc import Sequence

import keras
from keras import ops

# Under the denominator of the concordance, in standardised units: where truth and prediction are both
# constant and agree, what rounding leaves of a variance is no variance.
SMALLEST_SPREAD = 1e-8


def counted_values(y_true, y_pred, sample_weight=None):
    """True and predicted values with the weight that each counts with.

    Args:
        y_true: float tensor (batch, targets), or (batch,) for a single one; NaN where a value is missing.
        y_pred: float tensor (batch, targets).
        sample_weight: float tensor (batch,) or `None` for ones.

    Returns:
        Three float32 tensors (batch, targets). What has weight 0 is 0, so that it spoils no sum and no
        gradient.
    """
    y_pred = ops.cast(y_pred, "float32")
    y_true = ops.reshape(ops.cast(y_true, "float32"), ops.shape(y_pred))
    weights = ops.ones_like(y_pred)
    if sample_weight is not None:
        weights = weights * ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
    counts = ops.logical_and(ops.logical_not(ops.isnan(y_true)), weights > 0)
    zeros = ops.zeros_like(y_pred)
    return tuple(ops.where(counts, values, zeros) for values in (y_true, y_pred, weights))


def weighted_moments(true, pred, weights):
    """Population moments of a batch, taken about its own means.

    Args:
        true, pred, weights: what `counted_values` gives.

    Returns:
        Float32 tensors (targets,), zeros where nothing counts: the sum of weights; two means, of true and of
        predicted values; two variances, of the same, and their covariance.
    """
    total = ops.sum(weights, axis=0)
    shares = weights / ops.where(total > 0, total, ops.ones_like(total))
    means = tuple(ops.sum(shares * values, axis=0) for values in (true, pred))
    true, pred = true - means[0], pred - means[1]
    products = (true * true, pred * pred, true * pred)
    return total, means, tuple(ops.sum(shares * product, axis=0) for product in products)


def mean_over_targets(values, total):
    """Mean of (targets,) over those whose sum of weights `total` (targets,) is not 0; 0 if all are."""
    present = ops.cast(total > 0, "float32")
    return ops.sum(values * present) / ops.maximum(ops.sum(present), 1.0)


class _RegressionLoss(keras.losses.Loss):
    """Base of losses of standardised values over a whole batch.

    Args:
        scales: one float a target, what both sides are divided by first; `None` for ones.
    """

    def __init__(self, scales: Sequence[float] | None, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.scales = None if scales is None else [float(scale) for scale in scales]

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Of the whole batch, so it cannot be left to the reduction of `Loss`.
        true, pred, weights = counted_values(y_true, y_pred, sample_weight)
        if self.scales is not None:
            scales = ops.convert_to_tensor(self.scales, dtype="float32")
            true, pred = true / scales, pred / scales
        return self.of_batch(true, pred, weights)

    def call(self, y_true, y_pred):
        return self(y_true, y_pred)

    def of_batch(self, true, pred, weights):
        """The loss, float32 scalar, of what `counted_values` gives."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it is")

    def get_config(self):
        config = super().get_config()
        config.pop("reduction", None)
        return {**config, "scales": self.scales}


@keras.saving.register_keras_serializable(package="kser")
class ConcordanceLoss(_RegressionLoss):
    """1 − the concordance correlation coefficient (CCC), mean over the targets, from 0 to 2.

    CCC = 2·cov / (var_true + var_pred + (mean_true − mean_pred)²) with the population moments of the batch,
    whose size is thereby a setting of the loss. Where no prediction could make a CCC other than 0 (one
    utterance, constant targets) it has no gradient.

    Args:
        scales: one float a target, its standard deviation; `None` for ones. CCC does not depend on it; it
            decides what is too small to be a variance.

    Source: Lin (1989), "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45; as
    a loss of speech emotion recognition: [Wagner et al., 2023](https://arxiv.org/abs/2203.07378).
    """

    def __init__(self, scales: Sequence[float] | None = None, name="concordance_loss", **kwargs):
        super().__init__(scales, name, **kwargs)

    def of_batch(self, true, pred, weights):
        total, means, (var_true, var_pred, covariance) = weighted_moments(true, pred, weights)
        spread = var_true + var_pred + ops.square(means[0] - means[1])
        lack = 1.0 - 2.0 * covariance / ops.maximum(spread, SMALLEST_SPREAD)
        return mean_over_targets(lack, total)


@keras.saving.register_keras_serializable(package="kser")
class StandardizedSquaredError(_RegressionLoss):
    """Mean squared error of each target in units of its scale, then the mean over the targets.

    Args:
        scales: one float a target, its standard deviation; `None` for ones, which is the plain mean squared
            error.
    """

    def __init__(self, scales: Sequence[float] | None = None, name="standardized_squared_error", **kwargs):
        super().__init__(scales, name, **kwargs)

    def of_batch(self, true, pred, weights):
        total = ops.sum(weights, axis=0)
        squares = ops.sum(weights * ops.square(true - pred), axis=0)
        return mean_over_targets(squares / ops.where(total > 0, total, ops.ones_like(total)), total)
