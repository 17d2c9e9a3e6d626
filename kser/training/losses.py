"""Losses that Keras does not have."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


def weighted_crossentropy(
    y_true, y_pred, class_weights, sample_weight=None, label_smoothing=0.0, focal_gamma=0.0
):
    """Cross-entropy of each utterance and the weight it counts with.

    Args:
        y_true: int tensor (batch,), position of the true class.
        y_pred: float tensor (batch, classes), logits.
        class_weights: float sequence, array or variable (classes,).
        sample_weight: float tensor (batch,) or `None` for ones.
        label_smoothing: float, see `ClassWeightedCrossentropy`.
        focal_gamma: float, see `ClassWeightedCrossentropy`.

    Returns:
        Two float32 tensors (batch,): cross-entropies, and weights (class weight × sample weight).
    """
    y_true = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    y_pred = ops.cast(y_pred, "float32")
    if label_smoothing or focal_gamma:
        losses = _smoothed_focal_crossentropy(y_true, y_pred, label_smoothing, focal_gamma)
    else:
        losses = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    weights = ops.take(ops.convert_to_tensor(class_weights, "float32"), y_true)
    if sample_weight is not None:
        weights = weights * ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
    return losses, weights


def _smoothed_focal_crossentropy(y_true, logits, label_smoothing, focal_gamma):
    """Σₖ qₖ · (1 − pₖ)^γ · (−log pₖ) of each utterance, float32 tensor (batch,)."""
    classes = logits.shape[-1]
    shares = ops.one_hot(y_true, classes, dtype="float32") * (1.0 - label_smoothing)
    shares = shares + label_smoothing / classes
    terms = -shares * ops.log_softmax(logits, axis=-1)
    if focal_gamma:
        # The slope of x^γ has no bound at 0 for γ < 1, where a probability may be 1 in float32.
        others = ops.maximum(1.0 - ops.softmax(logits, axis=-1), keras.config.epsilon())
        terms = terms * ops.power(others, focal_gamma)
    return ops.sum(terms, axis=-1)


@keras.saving.register_keras_serializable(package="kser")
class ClassWeightedCrossentropy(keras.losses.Loss):
    """Cross-entropy in which each class counts by its weight: Σ wᵢ·lossᵢ / Σ wᵢ over the batch.

    That is the mean of `torch.nn.CrossEntropyLoss(weight=...)`, which divides by the weights and not by the
    number of utterances. An utterance of sample weight 0 does not count at all; the weight of an utterance
    is that of its true class, also with label smoothing. Everything is computed in float32.

    Args:
        class_weights: one float for each class; or a variable that holds them, such as that of
            `kser.training.metrics.ClassWeightedCrossentropyMean`, so that they are state and no constants of
            the compiled step.
        label_smoothing: float, 0 ≤ ε < 1. The target is 1 − ε + ε/classes for the true class and ε/classes
            for each other ([Szegedy et al., 2016](https://arxiv.org/abs/1512.00567)).
        focal_gamma: float, 0 ≤ γ: the term of class k counts (1 − pₖ)^γ times, so that what is already
            recognised with certainty counts little ([Lin et al., 2017](https://arxiv.org/abs/1708.02002)).
            With smoothed targets each class has its own factor, as in
            `keras.losses.CategoricalFocalCrossentropy`.
    """

    def __init__(
        self,
        class_weights: Sequence[float] | keras.Variable,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        name="class_weighted_crossentropy",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma

    def __call__(self, y_true, y_pred, sample_weight=None):
        # The mean is over the whole batch, so it cannot be left to the reduction of `Loss`.
        losses, weights = self._losses_and_weights(y_true, y_pred, sample_weight)
        return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), keras.config.epsilon())

    def call(self, y_true, y_pred):
        losses, weights = self._losses_and_weights(y_true, y_pred)
        return losses * weights

    def _losses_and_weights(self, y_true, y_pred, sample_weight=None):
        return weighted_crossentropy(
            y_true, y_pred, self.class_weights, sample_weight, self.label_smoothing, self.focal_gamma
        )

    def get_config(self):
        return {
            **super().get_config(),
            "class_weights": ops.convert_to_numpy(self.class_weights).tolist(),
            "label_smoothing": self.label_smoothing,
            "focal_gamma": self.focal_gamma,
        }


def inverse_count_weights(targets: np.ndarray, num_classes: int) -> list[float]:
    """Class weights 1 / count, scaled to a mean of 1 over the classes that occur.

    Args:
        targets: int array (utterances,).
        num_classes: the number of classes.

    Returns:
        One float for each class; 0 for a class without utterances, which no utterance can ask for.
    """
    counts = np.bincount(targets, minlength=num_classes).astype("float64")
    weights = np.divide(1.0, counts, out=np.zeros_like(counts), where=counts > 0)
    return (weights / weights[counts > 0].mean()).tolist()
