"""Temperature scaling: probabilities that mean what they say, and when to say "not sure".

One number for a model, found on utterances that it was not trained on: logits are divided by it (Guo, Pleiss,
Sun & Weinberger, "On calibration of modern neural networks", 2017). The most probable class stays.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax

from kser.evaluation.calibration import expected_calibration_error, reliability_bins

# Beyond them a probability is as good as certain, or says nothing.
LOWEST, HIGHEST = 0.05, 20.0


def temperature_report(*, logits: np.ndarray, y_true: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """Find the temperature of a classifier, and the confidence below which it is rather wrong.

    Args:
        logits: float (utterances, classes), of utterances that it was not trained on.
        y_true: the position of the right class of each.

    Returns:
        A dictionary with `n`; `temperature`, see `best_temperature`; `threshold`, see `best_threshold`, for
        probabilities at that temperature; `ece` and `ece_scaled`, the expected calibration error before and
        after.
    """
    true, logits = np.asarray(y_true), np.asarray(logits, np.float64)
    temperature = best_temperature(logits=logits, y_true=true)
    scaled = softmax(logits / temperature, axis=1)
    return {
        "n": len(true),
        "temperature": temperature,
        "threshold": best_threshold(confidence=scaled.max(axis=1), right=scaled.argmax(axis=1) == true),
        "ece": _ece(softmax(logits, axis=1), true),
        "ece_scaled": _ece(scaled, true),
    }


def best_temperature(*, logits: np.ndarray, y_true: Sequence[int] | np.ndarray) -> float:
    """The temperature with the least negative log-likelihood, from `LOWEST` to `HIGHEST`.

    Args:
        logits: float (utterances, classes).
        y_true: the position of the right class of each.
    """
    from scipy.optimize import minimize_scalar  # takes its time

    rows = np.arange(len(logits))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, y_true].mean())

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def best_threshold(*, confidence: np.ndarray, right: np.ndarray) -> float:
    """The confidence that tells right answers from wrong ones best.

    It has the greatest difference between the share of right answers and the share of wrong ones that are at
    least as confident (Youden's index, 1950).

    Args:
        confidence: float (utterances,), of the class that was named.
        right: bool (utterances,).

    Returns:
        The lowest of the best; 0 where all answers are right, or all are wrong: nothing tells them apart.
    """
    if right.all() or not right.any():
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, sorted_right = confidence[order], right[order]
    gain = np.cumsum(sorted_right) / right.sum() - np.cumsum(~sorted_right) / (~right).sum()
    last_of_equals = np.append(sorted_confidence[1:] != sorted_confidence[:-1], True)
    gain = np.where(last_of_equals, gain, -np.inf)
    best = np.flatnonzero(gain == gain.max())[-1]
    return float(sorted_confidence[best])


def scaled_probabilities(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at another temperature than 1, from those at 1, (utterances, classes)."""
    logits = np.log(np.clip(probabilities, np.finfo(float).tiny, 1))
    scaled: np.ndarray = softmax(logits / temperature, axis=1)
    return scaled


def _ece(probabilities: np.ndarray, true: np.ndarray) -> float:
    labels = list(range(probabilities.shape[1]))
    return expected_calibration_error(
        reliability_bins(y_true=true.tolist(), probabilities=probabilities, labels=labels)
    )
