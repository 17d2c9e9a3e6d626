"""Learning numbers: arousal, valence, dominance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kser.training.objectives import ValidationMetric

if TYPE_CHECKING:
    import keras

RegressionLoss = Literal["ccc", "mse"]


@dataclass(frozen=True)
class RegressionObjective:
    """Numbers for each utterance, for an `EmotionRegressor`.

    The targets of a batch are float (batch, targets) in the units of the corpus, NaN where one is missing.
    The model's `scales` make the squared error one of standardised values, in training and in the validation
    loss; the metric `mse` is in the targets' own units.

    Attributes:
        targets: names, in the order of the model's values.
        loss: `"ccc"` for 1 − CCC, `"mse"` for the squared error.
    """

    targets: tuple[str, ...]
    loss: RegressionLoss = "ccc"

    @property
    def validation_metrics(self) -> Sequence[ValidationMetric]:
        names = [
            "ccc",
            "mse",
            *(f"{measure}_{target}" for target in self.targets for measure in ("ccc", "mse")),
        ]
        return [
            ValidationMetric("loss", "regression_loss", higher_is_better=False),
            *(ValidationMetric(name, name, higher_is_better=name.startswith("ccc")) for name in names),
        ]

    def compile_arguments(self, model: Any, targets: Any) -> dict[str, Any]:
        from kser.training.regression_metrics import regression_metrics

        return {
            "loss": self.keras_loss(model.scales),
            "weighted_metrics": [self.loss_mean(model.scales), *regression_metrics(self.targets)],
        }

    def keras_loss(self, scales: Sequence[float]) -> "keras.losses.Loss":
        """A new loss over a batch."""
        from kser.training.regression_losses import ConcordanceLoss, StandardizedSquaredError

        return ConcordanceLoss(scales) if self.loss == "ccc" else StandardizedSquaredError(scales)

    def loss_mean(self, scales: Sequence[float]) -> "keras.metrics.Metric":
        """A new metric `regression_loss`: that loss over a whole part."""
        from kser.training.regression_metrics import ConcordanceLossMean, SquaredErrorMean

        if self.loss == "ccc":
            return ConcordanceLossMean(len(scales))
        return SquaredErrorMean(scales, name="regression_loss")
