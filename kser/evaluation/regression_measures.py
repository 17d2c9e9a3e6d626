"""CCC, MSE and Pearson's r, computed from sums of moments, any number of them at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kser.evaluation.measures import Measure, computed
from kser.evaluation.outcomes import Outcome
from kser.evaluation.shares import share

_SUMS = 6  # of each target: n, Σt, Σp, Σt², Σp², Σtp of true values t and predicted values p


class Moments(NamedTuple):
    """Population moments of true and predicted values, each (…, targets); NaN for a target without a value.

    Attributes:
        difference: of the means, true − predicted.
        true_variance: of the true values.
        predicted_variance: of the predicted values.
        covariance: of both; 0 where either is constant.
        squared_error: the mean of (true − predicted)².
    """

    difference: np.ndarray
    true_variance: np.ndarray
    predicted_variance: np.ndarray
    covariance: np.ndarray
    squared_error: np.ndarray

    @classmethod
    def of(cls, sums: np.ndarray) -> "Moments":
        """The moments that follow from the sums (…, targets, 6) of `regression_outcome`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_t, mean_p, tt, pp, tp = np.moveaxis(sums[..., 1:] / sums[..., :1], -1, 0)
            var_t, var_p = _positive(tt - mean_t**2, tt), _positive(pp - mean_p**2, pp)
            covariance = np.where((var_t > 0) & (var_p > 0), tp - mean_t * mean_p, 0.0)
            return cls(mean_t - mean_p, var_t, var_p, covariance, np.maximum(tt + pp - 2 * tp, 0.0))


def concordance(moments: Moments) -> np.ndarray:
    """Concordance correlation coefficient (CCC) with population moments.

    2·cov / (var_true + var_pred + (mean_true − mean_pred)²): from −1 to 1, and 1 only where truth and
    prediction are equal (Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989).
    0 where one side is constant; NaN where both are and agree.
    """
    spread = moments.true_variance + moments.predicted_variance + moments.difference**2
    return share(2 * moments.covariance, spread)


def pearson(moments: Moments) -> np.ndarray:
    """Pearson's r; NaN where either side is constant."""
    spread = np.sqrt(moments.true_variance * moments.predicted_variance)
    return np.clip(share(moments.covariance, spread), -1.0, 1.0)


CCC = Measure("ccc", "CCC", concordance, bounds=(-1.0, 1.0))
MSE = Measure(
    "mse", "MSE", lambda moments: moments.squared_error, bounds=(0.0, np.inf), higher_is_better=False
)
PEARSON = Measure("pearson", "Pearson's r", pearson, bounds=(-1.0, 1.0))

REGRESSION_MEASURES = (CCC, MSE, PEARSON)
"""All measures of a regression, in the order of a report; the first decides."""


def regression_outcome(true: np.ndarray, pred: np.ndarray, targets: Sequence[str]) -> Outcome:
    """What each utterance adds to the moments.

    Args:
        true: float (utterances, targets); NaN where an utterance has no value of a target: it then does not
            count for that one.
        pred: float (utterances, targets).
        targets: their names.

    Returns:
        An outcome whose measures are `ccc`, `mse` and `pearson` (means over the targets; NaN if one of them
        is) and `ccc_TARGET`, `mse_TARGET`, `pearson_TARGET`.
    """
    known = ~np.isnan(true)
    # Moments about the mean of the true values: it changes no measure, but small numbers cancel less.
    centre = np.nan_to_num(share(np.where(known, true, 0.0).sum(axis=0), known.sum(axis=0)))
    t, p = np.where(known, true - centre, 0.0), np.where(known, pred - centre, 0.0)
    entries = np.stack([known.astype(float), t, p, t * t, p * p, t * p], axis=-1)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        moments = Moments.of(sums.reshape(*sums.shape[:-1], len(targets), _SUMS))
        by_target = computed(REGRESSION_MEASURES, moments)
        return {name: values.mean(axis=-1) for name, values in by_target.items()} | {
            f"{name}_{target}": values[..., number]
            for number, target in enumerate(targets)
            for name, values in by_target.items()
        }

    return Outcome(entries.reshape(len(true), -1), measures, np.ones(len(true), dtype=bool))


def _positive(variance: np.ndarray, square: np.ndarray) -> np.ndarray:
    """A variance; 0 for what rounding leaves of a constant."""
    return np.where(variance > 1e-13 * square, variance, 0.0)
