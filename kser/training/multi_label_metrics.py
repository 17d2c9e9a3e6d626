"""Metrics of labels of which any number may be right, exact however a set is cut into batches."""

from collections.abc import Sequence

import keras
from keras import ops

from kser.training.multi_label_losses import label_crossentropies, utterance_weights


@keras.saving.register_keras_serializable(package="kser")
class LabelCrossentropyMean(keras.metrics.Metric):
    """`LabelCrossentropy` over all utterances: Σ wᵢ·lossᵢ / Σ wᵢ. Arguments as of the loss."""

    def __init__(self, positive_weights: Sequence[float] | None = None, name="label_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.positive_weights = None if positive_weights is None else [float(w) for w in positive_weights]
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.weight = self.add_variable((), initializer="zeros", name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        losses = label_crossentropies(y_true, y_pred, self.positive_weights)
        weights = utterance_weights(losses, sample_weight)
        self.total.assign_add(ops.sum(losses * weights))
        self.weight.assign_add(ops.sum(weights))

    def result(self):
        return self.total / ops.maximum(self.weight, keras.config.epsilon())

    def get_config(self):
        return {**super().get_config(), "positive_weights": self.positive_weights}


class _LabelF1(keras.metrics.Metric):
    """Base of F1 scores at probability 0.5, which is a logit of 0."""

    def __init__(self, num_labels: int, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_labels = num_labels
        # right and predicted; right + predicted
        self.hits = self.add_variable((num_labels,), initializer="zeros", name="hits")
        self.involved = self.add_variable((num_labels,), initializer="zeros", name="involved")

    def update_state(self, y_true, y_pred, sample_weight=None):
        true = ops.cast(y_true, "float32")
        predicted = ops.cast(y_pred > 0, "float32")
        weights = ops.expand_dims(utterance_weights(true[:, 0], sample_weight), -1)
        self.hits.assign_add(ops.sum(weights * true * predicted, axis=0))
        self.involved.assign_add(ops.sum(weights * (true + predicted), axis=0))

    def get_config(self):
        return {**super().get_config(), "num_labels": self.num_labels}


@keras.saving.register_keras_serializable(package="kser")
class LabelMacroF1(_LabelF1):
    """Mean of the F1 scores of the labels that occur or are predicted, with a threshold of 0.5.

    Args:
        num_labels: int.
    """

    def __init__(self, num_labels: int, name="f1score", **kwargs):
        super().__init__(num_labels, name, **kwargs)

    def result(self):
        involved = self.involved + 0.0
        scores = 2.0 * self.hits / ops.where(involved > 0, involved, ops.ones_like(involved))
        return ops.sum(scores) / ops.maximum(ops.sum(ops.cast(involved > 0, "float32")), 1.0)


@keras.saving.register_keras_serializable(package="kser")
class LabelMicroF1(_LabelF1):
    """F1 score of all decisions on all labels together, with a threshold of 0.5; 0 where none is yes.

    Args:
        num_labels: int.
    """

    def __init__(self, num_labels: int, name="f1_micro", **kwargs):
        super().__init__(num_labels, name, **kwargs)

    def result(self):
        involved = ops.sum(self.involved + 0.0)
        return 2.0 * ops.sum(self.hits + 0.0) / ops.where(involved > 0, involved, ops.ones_like(involved))
