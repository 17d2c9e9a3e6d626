"""Losses of labels of which any number may be right."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


def label_crossentropies(y_true, y_pred, positive_weights):
    """Binary cross-entropy of each utterance, the mean over its labels.

    Args:
        y_true: tensor (batch, labels), 1 where a label is right, 0 where not.
        y_pred: float tensor (batch, labels), logits.
        positive_weights: float array (labels,), how much a label counts where it is right, or `None` for 1.

    Returns:
        float32 tensor (batch,).
    """
    y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
    weights = 1.0 if positive_weights is None else ops.convert_to_tensor(positive_weights, dtype="float32")
    # −log σ(z) = softplus(−z), −log(1 − σ(z)) = softplus(z): safe for logits of any size
    losses = weights * y_true * ops.softplus(-y_pred) + (1.0 - y_true) * ops.softplus(y_pred)
    return ops.mean(losses, axis=-1)


def utterance_weights(losses, sample_weight):
    """Float32 weights (batch,), ones where `sample_weight` is `None`."""
    if sample_weight is None:
        return ops.ones_like(losses)
    return ops.reshape(ops.cast(sample_weight, "float32"), (-1,))


@keras.saving.register_keras_serializable(package="kser")
class LabelCrossentropy(keras.losses.Loss):
    """Binary cross-entropy of logits, mean over labels, then Σ wᵢ·lossᵢ / Σ wᵢ over the batch.

    With equal sample weights that is `torch.nn.BCEWithLogitsLoss(pos_weight=...)`. An utterance of sample
    weight 0 does not count at all.

    Args:
        positive_weights: one float a label, how much it counts where it is right; `None` for 1. See
            `negatives_per_positive`.
    """

    def __init__(self, positive_weights: Sequence[float] | None = None, name="label_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.positive_weights = None if positive_weights is None else [float(w) for w in positive_weights]

    def __call__(self, y_true, y_pred, sample_weight=None):
        # The mean is over the places that count, so it cannot be left to the reduction of `Loss`.
        losses = self.call(y_true, y_pred)
        weights = utterance_weights(losses, sample_weight)
        return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), keras.config.epsilon())

    def call(self, y_true, y_pred):
        return label_crossentropies(y_true, y_pred, self.positive_weights)

    def get_config(self):
        return {**super().get_config(), "positive_weights": self.positive_weights}


def negatives_per_positive(targets: np.ndarray) -> list[float]:
    """Positive weights that make yes and no of each label weigh the same: utterances without / with it.

    Args:
        targets: array (utterances, labels) of 0 and 1.

    Returns:
        One float a label; 1 for a label that no utterance or every utterance has, where nothing can be made
        equal.
    """
    positives = np.asarray(targets, dtype="float64").sum(axis=0)
    negatives = len(targets) - positives
    both = (positives > 0) & (negatives > 0)
    return np.divide(negatives, positives, out=np.ones_like(positives), where=both).tolist()
