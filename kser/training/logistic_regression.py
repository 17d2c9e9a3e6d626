"""The field's standard probe: logistic regression on standardised vectors, in the place of a trained head."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.special import log_softmax

from kser.errors import UserError
from kser.pipeline.utterances import Utterances
from kser.training.losses import inverse_count_weights
from kser.training.training_log import TrainingLog
from kser.training.training_result import TrainingResult

REGULARIZATIONS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""What C is chosen from: the weight of the data beside the squared norm of the coefficients."""

_MOST_ITERATIONS = 10_000
# Logit of a class that the training part does not have.
_NEVER = -1e4


@dataclass(frozen=True)
class Solution:
    """A linear layer from vectors to logits.

    Attributes:
        kernel: float64 array (channels, classes), for vectors that are not standardised.
        bias: float64 array (classes,).
        regularization: the C of `REGULARIZATIONS` that was best on the validation part.
    """

    kernel: np.ndarray
    bias: np.ndarray
    regularization: float

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Of vectors (utterances, channels): (utterances, classes)."""
        return np.asarray(vectors, "float64") @ self.kernel + self.bias


def solve(
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    num_classes: int,
    use_class_weights: bool = True,
) -> Solution:
    """Multinomial logistic regression (scikit-learn) with the C of the best validation UAR.

    The channels are standardised by the training part, in float64; the solution takes them as they are. Of
    several C with the same UAR the smallest is taken, which regularises most.

    Args:
        training: float array (utterances, channels) and int array (utterances,), the classes.
        validation: likewise.
        num_classes: how many there are; those that the training part lacks are never predicted.
        use_class_weights: whether a class counts by 1 / its utterances.

    Raises:
        UserError: all training utterances are of one class.
    """
    from sklearn.linear_model import LogisticRegression

    vectors, classes = np.asarray(training[0], "float64"), training[1]
    if len(np.unique(classes)) < 2:
        raise UserError("head_solver: the training part has one class only; a logistic regression needs two")
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0)
    deviation = np.where(deviation > 1e-6 * np.abs(vectors).max(axis=0), deviation, 1.0)
    best: Solution | None = None
    best_uar = -1.0
    for regularization in REGULARIZATIONS:
        regression = LogisticRegression(
            C=regularization,
            class_weight="balanced" if use_class_weights else None,
            max_iter=_MOST_ITERATIONS,
        ).fit((vectors - mean) / deviation, classes)
        kernel, bias = _for_all_classes(regression, num_classes)
        kernel = kernel / deviation[:, None]
        solution = Solution(kernel, bias - mean @ kernel, regularization)
        uar = _uar(validation[1], solution.logits(validation[0]).argmax(axis=1))
        if uar > best_uar:
            best, best_uar = solution, uar
    assert best is not None
    return best


def train_by_logistic_regression(
    model: Any, training: Utterances, validation: Utterances, use_class_weights: bool, log: Path
) -> TrainingResult:
    """Give a classifier the head that `solve` finds.

    Args:
        model: an `EmotionClassifier` whose head is one linear layer.
        training: utterances with vectors as features, which are there.
        validation: likewise.
        use_class_weights: see `solve`.
        log: CSV file that gets one row, with what the solution gives on the validation part.
    """
    started = time.monotonic()
    parts = [(_vectors(part), np.asarray(part.targets)) for part in (training, validation)]
    num_classes = len(model.labels)
    solution = solve(parts[0], parts[1], num_classes, use_class_weights)
    layer = model.get_layer("logits")
    layer.kernel.assign(solution.kernel)
    layer.bias.assign(solution.bias)
    weights = inverse_count_weights(parts[0][1], num_classes) if use_class_weights else [1.0] * num_classes
    measures = _measures(parts[1][1], solution.logits(parts[1][0]), weights)
    seconds = time.monotonic() - started
    TrainingLog(log).add({"step": 0, "epoch": 0.0, **measures, "seconds": round(seconds, 2)})
    return TrainingResult(
        updates=0,
        best_step=0,
        best_loss=measures["val_loss"],
        best_metric="uar",
        best_value=measures["val_uar"],
        stopped_early=False,
        seconds=seconds,
        regularization=solution.regularization,
    )


def _for_all_classes(regression: Any, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (channels, classes) and bias (classes,), also of two classes and of those that do not occur."""
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # scikit-learn gives the difference of the two
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    kernel, bias = np.zeros((coefficients.shape[1], num_classes)), np.full(num_classes, _NEVER)
    kernel[:, regression.classes_] = coefficients.T
    bias[regression.classes_] = intercepts
    return kernel, bias


def _vectors(utterances: Utterances) -> np.ndarray:
    stored = utterances.features
    assert stored is not None
    return np.concatenate([stored(path) for path in utterances.paths])


def _measures(true: np.ndarray, logits: np.ndarray, class_weights: Sequence[float]) -> dict[str, float]:
    """The columns of the log, as `kser.training.metrics` has them."""
    from sklearn.metrics import f1_score

    predicted = logits.argmax(axis=1)
    weights = np.asarray(class_weights)[true]
    losses = -log_softmax(logits, axis=1)[np.arange(len(true)), true]
    return {
        "val_loss": float((losses * weights).sum() / max(weights.sum(), keras.config.epsilon())),
        "val_accuracy": float((predicted == true).mean()),
        "val_uar": _uar(true, predicted),
        "val_f1score": float(f1_score(true, predicted, average="macro", zero_division=0.0)),
    }


def _uar(true: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([(predicted[true == label] == label).mean() for label in np.unique(true)]))
