"""What a run optimises and is judged by: everything that depends on the kind of target, in one place.

An objective is also asked for the names of its metrics when settings are read, before Keras is imported:
losses and metrics are imported when they are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class ValidationMetric:
    """A number that every evaluation on the validation part gives.

    Attributes:
        name: what the log (with `val_` before it), progress and `TrainingPlan.best_metric` call it.
        keras_name: what `keras.Model.evaluate` calls it; of a model with several outputs with the output's
            name before it.
        higher_is_better: whether the best weights are those with the highest value or with the lowest.
    """

    name: str
    keras_name: str
    higher_is_better: bool


class Objective(Protocol):
    """The kind of target that a run learns: classes, numbers, several at once.

    `kser.training.fit.train` asks nothing else of it, so a further kind is a class with these two members and
    needs no change to it. It is a plain value: it holds settings, and makes losses and metrics when asked.
    """

    @property
    def validation_metrics(self) -> Sequence[ValidationMetric]:
        """What evaluations give. The first is called `"loss"`, lower is better, and every run has it."""

    def compile_arguments(self, model: Any, targets: Any) -> dict[str, Any]:
        """Arguments `loss`, `weighted_metrics` (and `loss_weights`) for `keras.Model.compile`.

        Called several times in a run with gradual unfreezing, so each call makes new losses and metrics. What
        is computed is float32, whatever the precision of the model. Metrics must be exact over the whole
        validation part: a batch may have empty places, which have sample weight 0.

        Args:
            model: the `keras.Model` to be trained, for the shapes of its outputs.
            targets: those of the training part (`Utterances.targets`), for weights that follow from them.
        """


def metric_named(objective: Objective, name: str) -> ValidationMetric:
    """The validation metric of that name.

    Raises:
        KeyError: the objective has none.
    """
    return {metric.name: metric for metric in objective.validation_metrics}[name]


CLASSIFICATION_METRICS = (
    ValidationMetric("loss", "crossentropy", higher_is_better=False),
    ValidationMetric("accuracy", "accuracy", higher_is_better=True),
    ValidationMetric("uar", "uar", higher_is_better=True),
    ValidationMetric("f1score", "f1score", higher_is_better=True),
)


@dataclass(frozen=True)
class ClassificationObjective:
    """One class for each utterance, out of logits (batch, classes).

    Label smoothing and focal loss shape training only: the validation loss is the cross-entropy, with the
    same class weights, so it means the same for all of their values.

    Attributes:
        use_class_weights: whether a class counts by 1 / its utterances.
        label_smoothing: share of the target that is spread evenly over all classes.
        focal_gamma: exponent of the focal loss; 0 for cross-entropy.
    """

    use_class_weights: bool = True
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0

    @property
    def validation_metrics(self) -> Sequence[ValidationMetric]:
        return CLASSIFICATION_METRICS

    def compile_arguments(self, model: Any, targets: np.ndarray) -> dict[str, Any]:
        from kser.training.losses import ClassWeightedCrossentropy, inverse_count_weights
        from kser.training.metrics import ClassWeightedCrossentropyMean, classification_metrics

        num_classes = model.output_shape[-1]
        class_weights = [1.0] * num_classes
        if self.use_class_weights:
            class_weights = inverse_count_weights(targets, num_classes)
        metrics = classification_metrics(class_weights)
        (crossentropy,) = (metric for metric in metrics if isinstance(metric, ClassWeightedCrossentropyMean))
        loss = ClassWeightedCrossentropy(crossentropy.class_weights, self.label_smoothing, self.focal_gamma)
        return {"loss": loss, "weighted_metrics": metrics}
