"""Learning labels of which any number may be right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kser.training.objectives import ValidationMetric


@dataclass(frozen=True)
class MultiLabelObjective:
    """Any number of labels for each utterance, for an `EmotionTagger`.

    The targets of a batch are 0 and 1, (batch, labels).

    Attributes:
        use_positive_weights: whether a label that is right counts by how rare it is in the training part, see
            `negatives_per_positive`.
    """

    use_positive_weights: bool = False

    @property
    def validation_metrics(self) -> Sequence[ValidationMetric]:
        return (
            ValidationMetric("loss", "label_crossentropy", higher_is_better=False),
            ValidationMetric("f1score", "f1score", higher_is_better=True),
            ValidationMetric("f1_micro", "f1_micro", higher_is_better=True),
        )

    def compile_arguments(self, model: Any, targets: Any) -> dict[str, Any]:
        from kser.training.multi_label_losses import LabelCrossentropy, negatives_per_positive
        from kser.training.multi_label_metrics import LabelCrossentropyMean, LabelMacroF1, LabelMicroF1

        num_labels = model.output_shape[-1]
        weights = negatives_per_positive(targets) if self.use_positive_weights else None
        return {
            "loss": LabelCrossentropy(weights),
            "weighted_metrics": [
                LabelCrossentropyMean(weights),
                LabelMacroF1(num_labels),
                LabelMicroF1(num_labels),
            ],
        }
