"""Losses that Keras does not have."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


def weighted_crossentropy(y_true, y_pred, class_weights, sample_weight=None):
    """Cross-entropy of each utterance and the weight it counts with.

    Args:
        y_true: int tensor (batch,), position of the true class.
        y_pred: float tensor (batch, classes), logits.
        class_weights: float array (classes,).
        sample_weight: float tensor (batch,) or `None` for ones.

    Returns:
        Two float32 tensors (batch,): cross-entropies, and weights (class weight × sample weight).
    """
    y_true = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    losses = keras.losses.sparse_categorical_crossentropy(
        y_true, ops.cast(y_pred, "float32"), from_logits=True
    )
    weights = ops.take(ops.convert_to_tensor(np.asarray(class_weights, "float32")), y_true)
    if sample_weight is not None:
        weights = weights * ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
    return losses, weights


@keras.saving.register_keras_serializable(package="kser")
class ClassWeightedCrossentropy(keras.losses.Loss):
    """Cross-entropy in which each class counts by its weight: Σ wᵢ·lossᵢ / Σ wᵢ over the batch.

    That is the mean of `torch.nn.CrossEntropyLoss(weight=...)`, which divides by the weights and not by the
    number of utterances. An utterance of sample weight 0 does not count at all.

    Args:
        class_weights: one float for each class.
    """

    def __init__(self, class_weights: Sequence[float], name="class_weighted_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.class_weights = [float(weight) for weight in class_weights]

    def __call__(self, y_true, y_pred, sample_weight=None):
        # The mean is over the whole batch, so it cannot be left to the reduction of `Loss`.
        losses, weights = weighted_crossentropy(y_true, y_pred, self.class_weights, sample_weight)
        return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), keras.config.epsilon())

    def call(self, y_true, y_pred):
        losses, weights = weighted_crossentropy(y_true, y_pred, self.class_weights)
        return losses * weights

    def get_config(self):
        return {**super().get_config(), "class_weights": self.class_weights}


def inverse_count_weights(targets: np.ndarray, num_classes: int) -> list[float]:
    """Class weights 1 / count, scaled to a mean of 1 over the classes that occur.

    Args:
        targets: int array (utterances,).
        num_classes: how many classes there are.

    Returns:
        One float for each class; 0 for a class without utterances, which no utterance can ask for.
    """
    counts = np.bincount(targets, minlength=num_classes).astype("float64")
    weights = np.divide(1.0, counts, out=np.zeros_like(counts), where=counts > 0)
    return (weights / weights[counts > 0].mean()).tolist()
