"""What a finished run gives besides its weights."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a finished run.

    Attributes:
        updates: updates made.
        best_step: update after which the best metric was best; the model has its weights.
        best_loss: the validation loss after that update.
        best_metric: the validation metric that chose them.
        best_value: its value after that update.
        stopped_early: whether nothing improved for so long that the run ended before its last update.
        seconds: time spent training.
        devices: how many devices shared its batches; several numbers, in order, where it was interrupted and
            went on with another.
        regularization: of a head found by logistic regression its C, chosen on the validation part.
    """

    updates: int
    best_step: int
    best_loss: float
    best_metric: str
    best_value: float
    stopped_early: bool
    seconds: float
    devices: Sequence[int] = (1,)
    regularization: float | None = None
