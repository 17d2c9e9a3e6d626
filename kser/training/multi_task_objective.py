"""Learning the emotion and its dimensions at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kser.training.objectives import ClassificationObjective, ValidationMetric
from kser.training.regression_objective import RegressionObjective


@dataclass(frozen=True)
class MultiTaskObjective:
    """A class and numbers for each utterance, for a `MultiTaskEmotionModel`.

    The loss is class loss + `regression_weight` × regression loss. The targets are a dict, `"logits"`: int
    (batch,) and `"values"`: float (batch, targets), NaN where one is missing.

    Attributes:
        regression: of the numbers.
        classification: of the classes.
        regression_weight: how much the numbers count.
    """

    regression: RegressionObjective
    classification: ClassificationObjective = field(default_factory=ClassificationObjective)
    regression_weight: float = 1.0

    @property
    def validation_metrics(self) -> Sequence[ValidationMetric]:
        class_loss, *of_classes = self.classification.validation_metrics
        regression_loss, *of_values = self.regression.validation_metrics
        return [
            ValidationMetric("loss", "values_joint_loss", higher_is_better=False),
            _of_output("logits", replace(class_loss, name="class_loss")),
            _of_output("values", replace(regression_loss, name="regression_loss")),
            *(_of_output("logits", metric) for metric in of_classes),
            *(_of_output("values", metric) for metric in of_values),
        ]

    def compile_arguments(self, model: Any, targets: Mapping[str, Any]) -> dict[str, Any]:
        import keras

        from kser.training.multi_task_metrics import JointLoss
        from kser.training.regression_metrics import regression_metrics

        scales = model.scales
        logits = keras.Model(model.input, model.output["logits"])
        of_classes = self.classification.compile_arguments(logits, targets["logits"])
        name = self.classification.validation_metrics[0].keras_name
        (class_loss,) = (metric for metric in of_classes["weighted_metrics"] if metric.name == name)
        regression_loss = self.regression.loss_mean(scales)
        joint = JointLoss(class_loss, regression_loss, self.regression_weight)
        of_values = [regression_loss, *regression_metrics(self.regression.targets), joint]
        return {
            "loss": {"logits": of_classes["loss"], "values": self.regression.keras_loss(scales)},
            "loss_weights": {"logits": 1.0, "values": self.regression_weight},
            "weighted_metrics": {"logits": of_classes["weighted_metrics"], "values": of_values},
        }


def _of_output(output: str, metric: ValidationMetric) -> ValidationMetric:
    """The metric as Keras calls it in a model with several outputs."""
    return replace(metric, keras_name=f"{output}_{metric.keras_name}")
