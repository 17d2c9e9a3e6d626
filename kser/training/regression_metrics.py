"""Metrics of numbers, exact over a whole validation set however it is cut into batches.

They take and leave out what the losses of `kser.training.regression_losses` do.
"""

from collections.abc import Sequence

import keras
from keras import ops

from kser.training.regression_losses import counted_values, mean_over_targets, weighted_moments


class _TargetMetric(keras.metrics.Metric):
    """Base of metrics with a value for each target.

    Args:
        num_targets: int.
        target: position of the target to give the value of, or `None` for the mean over all that occur.
    """

    def __init__(self, num_targets: int, target: int | None, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_targets = num_targets
        self.target = target
        self.weight = self.add_variable((num_targets,), initializer="zeros", name="weight")

    def of_targets(self):
        """The value of each target, float32 tensor (targets,)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it is")

    def result(self):
        values = self.of_targets()
        return mean_over_targets(values, self.weight + 0.0) if self.target is None else values[self.target]

    def get_config(self):
        return {**super().get_config(), "target": self.target}


@keras.saving.register_keras_serializable(package="kser")
class ConcordanceCorrelation(_TargetMetric):
    """Concordance correlation coefficient (CCC) over all utterances, with population moments.

    The moments of the batches are merged about their common mean, so that values far from zero lose no
    digits. 0 where CCC is not defined.

    Args:
        num_targets: int.
        target: position of the target to give the CCC of, or `None` for the mean over all that occur.

    Source: Lin (1989), see `kser.training.regression_losses.ConcordanceLoss`. Merging: Chan, Golub and
    LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37.
    """

    def __init__(self, num_targets: int, target: int | None = None, name="ccc", **kwargs):
        super().__init__(num_targets, target, name, **kwargs)
        self.means = self.add_variable((2, num_targets), initializer="zeros", name="means")
        self.products = self.add_variable((3, num_targets), initializer="zeros", name="products")

    def update_state(self, y_true, y_pred, sample_weight=None):
        new, means, products = weighted_moments(*counted_values(y_true, y_pred, sample_weight))
        old = self.weight + 0.0
        total = old + new
        share = new / ops.where(total > 0, total, ops.ones_like(total))
        true, pred = (mean - self.means[side] for side, mean in enumerate(means))
        between = ops.stack([true * true, pred * pred, true * pred]) * old * share
        self.products.assign_add(ops.stack(products) * new + between)
        self.means.assign_add(ops.stack([true, pred]) * share)
        self.weight.assign(total)

    def of_targets(self):
        distance = self.means[0] - self.means[1]
        spread = self.products[0] + self.products[1] + self.weight * ops.square(distance)
        defined = spread > 0
        spread = ops.where(defined, spread, ops.ones_like(spread))
        return ops.where(defined, 2.0 * self.products[2] / spread, ops.zeros_like(spread))

    def get_config(self):
        return {**super().get_config(), "num_targets": self.num_targets}


@keras.saving.register_keras_serializable(package="kser")
class ConcordanceLossMean(ConcordanceCorrelation):
    """`ConcordanceLoss` over all utterances at once: 1 − the mean of the targets' CCC.

    Args:
        num_targets: int.
    """

    def __init__(self, num_targets: int, target: int | None = None, name="regression_loss", **kwargs):
        super().__init__(num_targets, target, name, **kwargs)

    def of_targets(self):
        return 1.0 - super().of_targets()


@keras.saving.register_keras_serializable(package="kser")
class SquaredErrorMean(_TargetMetric):
    """Mean squared error (MSE) over all utterances, of each target in units of its scale.

    Args:
        scales: one float a target; ones for the MSE in the square of the target's unit, the standard
            deviations for `StandardizedSquaredError`.
        target: position of the target to give the MSE of, or `None` for the mean over all that occur.
    """

    def __init__(self, scales: Sequence[float], target: int | None = None, name="mse", **kwargs):
        super().__init__(len(scales), target, name, **kwargs)
        self.scales = [float(scale) for scale in scales]
        self.total = self.add_variable((len(scales),), initializer="zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, pred, weights = counted_values(y_true, y_pred, sample_weight)
        errors = (true - pred) / ops.convert_to_tensor(self.scales, dtype="float32")
        self.total.assign_add(ops.sum(weights * ops.square(errors), axis=0))
        self.weight.assign_add(ops.sum(weights, axis=0))

    def of_targets(self):
        weight = self.weight + 0.0
        return self.total / ops.where(weight > 0, weight, ops.ones_like(weight))

    def get_config(self):
        return {**super().get_config(), "scales": self.scales}


def regression_metrics(targets: Sequence[str]) -> list[keras.metrics.Metric]:
    """The metrics that a regressor is trained with: ccc, mse, and ccc_TARGET, mse_TARGET of each.

    Args:
        targets: names, in the order of the values.
    """
    ones = [1.0] * len(targets)
    metrics: list[keras.metrics.Metric] = [ConcordanceCorrelation(len(targets)), SquaredErrorMean(ones)]
    for position, target in enumerate(targets):
        metrics.append(ConcordanceCorrelation(len(targets), position, name=f"ccc_{target}"))
        metrics.append(SquaredErrorMean(ones, position, name=f"mse_{target}"))
    return metrics
