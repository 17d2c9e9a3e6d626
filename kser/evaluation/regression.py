"""Regression measures (arousal, valence, dominance), and the report that an evaluation writes.

Every function takes `y_true` and `y_pred`, arrays (utterances,) for one target or (utterances, targets).
Where a true value is missing (NaN) the utterance does not count for that target.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kser.errors import UserError
from kser.evaluation.measures import Measure, number_or_none
from kser.evaluation.over_speakers import GroupArray, interval_entries, subgroup_entries
from kser.evaluation.regression_measures import CCC, MSE, PEARSON, REGRESSION_MEASURES, regression_outcome
from kser.evaluation.speaker_bootstrap import RESAMPLING, Resampling


def concordance_correlation(*, y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """CCC of each target, float64 (targets,), see `kser.evaluation.regression_measures.concordance`."""
    return _by_target(CCC, *_checked(y_true, y_pred))


def mean_squared_error(*, y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Mean squared error (MSE) of each target, float64 (targets,), in the square of the target's unit."""
    return _by_target(MSE, *_checked(y_true, y_pred))


def pearson_correlation(*, y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Pearson's r of each target, float64 (targets,); NaN where either side is constant."""
    return _by_target(PEARSON, *_checked(y_true, y_pred))


def regression_report(
    *,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    targets: Sequence[str],
    speakers: GroupArray | None = None,
    groups: Mapping[str, GroupArray] | None = None,
    resampling: Resampling = RESAMPLING,
) -> dict[str, Any]:
    """Everything that an evaluation says in numbers, ready for JSON.

    Args:
        y_true: float (utterances, targets), or (utterances,) for one target; NaN for no value.
        y_pred: the same shape, without missing values.
        targets: their names.
        speakers: one speaker an utterance; with them come confidence intervals.
        groups: by name of a column ("gender"), one value an utterance; with them (and `speakers`) come the
            measures of each group and the tests of their differences.
        resampling: of the intervals and tests; the same arguments give the same report.

    Returns:
        A dictionary with `n`, utterances with a value of any target; `ccc`, `mse` and `pearson`, means over
        the targets (`None` if one of them is not defined); `per_target`, a list of `target`, `n`, `ccc`,
        `mse`, `pearson`, and means and standard deviations (of a population) on both sides, `true_mean`,
        `true_sd`, `predicted_mean`, `predicted_sd`; `targets_without_values`; and, when asked for,
        `intervals`, `subgroups` and `subgroup_tests` as `kser.evaluation.metrics.classification_report` has
        them.

    Raises:
        UserError: no utterance has a value.
        ValueError: arrays do not fit together, a prediction is missing, or `groups` come without `speakers`.
    """
    true, pred = _checked(y_true, y_pred)
    if true.shape[1] != len(targets):
        raise ValueError(f"targets names {len(targets)} columns but y_true has {true.shape[1]}")
    outcome = regression_outcome(true, pred, targets)
    estimates = {name: number_or_none(value) for name, value in outcome.estimates.items()}
    has_value = ~np.isnan(true)
    report: dict[str, Any] = {"n": int(has_value.any(axis=1).sum())}
    report |= {measure.name: estimates[measure.name] for measure in REGRESSION_MEASURES}
    report["per_target"] = [
        {
            "target": target,
            "n": int(has_value[:, i].sum()),
            **{measure.name: estimates[f"{measure.name}_{target}"] for measure in REGRESSION_MEASURES},
            **_spread_on_both_sides(true[:, i], pred[:, i]),
        }
        for i, target in enumerate(targets)
    ]
    report["targets_without_values"] = [entry["target"] for entry in report["per_target"] if not entry["n"]]
    report |= interval_entries(outcome, speakers, resampling)
    return report | subgroup_entries(outcome, CCC.name, speakers, groups, resampling)


def _spread_on_both_sides(true: np.ndarray, pred: np.ndarray) -> dict[str, float | None]:
    """Whether predictions are too narrow or shifted, which CCC does not distinguish."""
    known = ~np.isnan(true)
    return {
        f"{side}_{name}": float(of(values[known])) if known.any() else None
        for side, values in (("true", true), ("predicted", pred))
        for name, of in (("mean", np.mean), ("sd", np.std))
    }


def _by_target(measure: Measure, true: np.ndarray, pred: np.ndarray) -> np.ndarray:
    numbers = [str(number) for number in range(true.shape[1])]
    estimates = regression_outcome(true, pred, numbers).estimates
    return np.array([estimates[f"{measure.name}_{number}"] for number in numbers])


def _checked(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 (utterances, targets)."""
    true, pred = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    if true.shape != pred.shape:
        raise ValueError(f"y_true has the shape {true.shape} but y_pred {pred.shape}")
    if true.ndim not in (1, 2):
        raise ValueError(f"y_true has the shape {true.shape}, not (utterances,) or (utterances, targets)")
    if np.isnan(true).all():
        raise UserError(f"nothing to evaluate: no utterance{' has a value' if len(true) else ''}")
    if np.isinf(true).any() or not np.isfinite(pred).all():
        raise ValueError("y_true and y_pred must hold numbers: no infinity, and no NaN in y_pred")
    return (true[:, None], pred[:, None]) if true.ndim == 1 else (true, pred)
