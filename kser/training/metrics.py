"""Metrics that are exact over a whole validation set, however it is cut into batches."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kser.training.losses import weighted_crossentropy


@keras.saving.register_keras_serializable(package="kser")
class ClassWeightedCrossentropyMean(keras.metrics.Metric):
    """The loss over all utterances: Σ wᵢ·lossᵢ / Σ wᵢ.

    Keras' own `loss` averages the means of batches, so that an utterance in a small or light batch counts
    more than others.

    Args:
        class_weights: one float for each class.

    Attributes:
        class_weights: a variable that holds them and that no reset changes. It is given to the compiled step,
            which is the same for all weights; the loss may read it, too.
    """

    def __init__(self, class_weights: Sequence[float], name="crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.class_weights = self.add_variable(
            (len(class_weights),), initializer="zeros", name="class_weights"
        )
        self.class_weights.assign(np.asarray(class_weights, "float32"))
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.weight = self.add_variable((), initializer="zeros", name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        losses, weights = weighted_crossentropy(y_true, y_pred, self.class_weights, sample_weight)
        self.total.assign_add(ops.sum(losses * weights))
        self.weight.assign_add(ops.sum(weights))

    def result(self):
        return self.total / ops.maximum(self.weight, keras.config.epsilon())

    def reset_state(self):
        for sum_so_far in (self.total, self.weight):
            sum_so_far.assign(0.0)

    def get_config(self):
        return {**super().get_config(), "class_weights": ops.convert_to_numpy(self.class_weights).tolist()}


class _ConfusionMetric(keras.metrics.Metric):
    """Base of metrics that follow from the confusion matrix."""

    def __init__(self, num_classes: int, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.matrix = self.add_variable((num_classes, num_classes), initializer="zeros", name="matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        true = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), self.num_classes)
        predicted = ops.one_hot(ops.argmax(y_pred, axis=-1), self.num_classes)
        if sample_weight is not None:
            true = true * ops.cast(ops.reshape(sample_weight, (-1, 1)), true.dtype)
        self.matrix.assign_add(ops.matmul(ops.transpose(true), predicted))

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="kser")
class UnweightedAverageRecall(_ConfusionMetric):
    """Mean of the recalls of the classes that occur (UAR, also called unweighted accuracy).

    Args:
        num_classes: int.
    """

    def __init__(self, num_classes: int, name="uar", **kwargs):
        super().__init__(num_classes, name, **kwargs)

    def result(self):
        support = ops.sum(self.matrix, axis=1)
        recalls = ops.diagonal(self.matrix) / ops.maximum(support, 1.0)
        return ops.sum(recalls) / ops.maximum(ops.sum(ops.cast(support > 0, "float32")), 1.0)


@keras.saving.register_keras_serializable(package="kser")
class MacroF1(_ConfusionMetric):
    """Mean of the F1 scores of the classes that occur or are predicted.

    Args:
        num_classes: int.
    """

    def __init__(self, num_classes: int, name="f1score", **kwargs):
        super().__init__(num_classes, name, **kwargs)

    def result(self):
        # F1 = 2·TP / (true + predicted), which needs no precision and so no division by zero twice.
        involved = ops.sum(self.matrix, axis=1) + ops.sum(self.matrix, axis=0)
        scores = 2.0 * ops.diagonal(self.matrix) / ops.maximum(involved, 1.0)
        return ops.sum(scores) / ops.maximum(ops.sum(ops.cast(involved > 0, "float32")), 1.0)


def classification_metrics(class_weights: Sequence[float]) -> list[keras.metrics.Metric]:
    """The metrics that a classifier is trained with: crossentropy, accuracy, uar, f1score."""
    num_classes = len(class_weights)
    return [
        ClassWeightedCrossentropyMean(class_weights),
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        UnweightedAverageRecall(num_classes),
        MacroF1(num_classes),
    ]
