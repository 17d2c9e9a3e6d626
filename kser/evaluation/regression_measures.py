"""CCC, MSE and Pearson's r from sums of moments, any number of them at once."""

from collections.abc import Sequence

import numpy as np

from kser.evaluation.shares import share
from kser.evaluation.speaker_sums import SpeakerSums, sum_by_speaker

REGRESSION_MEASURES = ("ccc", "mse", "pearson")
"""Names of the measures, in the order of a report."""

_MOMENTS = 6  # n, Σt, Σp, Σt², Σp², Σtp for each target


def moments_by_speaker(
    true: np.ndarray,
    pred: np.ndarray,
    speakers: np.ndarray,
    n_speakers: int,
    targets: Sequence[str],
    centre: np.ndarray,
) -> SpeakerSums:
    """The moments of each speaker, with the measures that follow from them.

    Args:
        true: float (utterances, targets); NaN where an utterance has no value of a target: it then does not
            count for that one.
        pred: float (utterances, targets).
        speakers: int (utterances,).
        n_speakers: speakers; one without an utterance here adds nothing.
        targets: their names.
        centre: float (targets,); moments are taken about it. It changes no measure, but small numbers cancel
            less: the mean of the true values is a good one. Sums that are added need the same.

    Returns:
        Sums whose measures are `ccc`, `mse` and `pearson` (means over the targets; NaN if one of them is) and
        `ccc_TARGET`, `mse_TARGET`, `pearson_TARGET`.
    """
    known = ~np.isnan(true)
    t, p = np.where(known, true - centre, 0.0), np.where(known, pred - centre, 0.0)
    moments = np.stack([known.astype(float), t, p, t * t, p * p, t * p], axis=-1)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        by_target = measures_of_moments(sums.reshape(*sums.shape[:-1], len(targets), _MOMENTS))
        means = {name: values.mean(axis=-1) for name, values in by_target.items()}
        return means | {
            f"{name}_{target}": by_target[name][..., number]
            for number, target in enumerate(targets)
            for name in REGRESSION_MEASURES
        }

    flat = moments.reshape(len(true), len(targets) * _MOMENTS)
    return SpeakerSums(sum_by_speaker(flat, speakers, n_speakers), measures)


def centre_of(true: np.ndarray) -> np.ndarray:
    """Means of the true values (utterances, targets) that there are; 0 for a target without any."""
    known = ~np.isnan(true)
    return np.nan_to_num(share(np.where(known, true, 0.0).sum(axis=0), known.sum(axis=0)))


def measures_of_moments(moments: np.ndarray) -> dict[str, np.ndarray]:
    """CCC, MSE and Pearson's r of sums of moments.

    Args:
        moments: (…, 6): n, Σt, Σp, Σt², Σp², Σtp of true values t and predicted values p.

    Returns:
        `ccc`, `mse`, `pearson` by name, each (…). The concordance correlation coefficient is Lin's (1989)
        with population moments, 2·cov / (var_t + var_p + (mean_t − mean_p)²). NaN where a measure is not
        defined: Pearson's r when either side is constant, CCC when both are and agree, all without a value.
    """
    n = moments[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_t, mean_p, tt, pp, tp = np.moveaxis(moments[..., 1:] / n[..., None], -1, 0)
        var_t, var_p = _positive(tt - mean_t**2, tt), _positive(pp - mean_p**2, pp)
        covariance = np.where((var_t > 0) & (var_p > 0), tp - mean_t * mean_p, 0.0)
        spread = var_t + var_p + (mean_t - mean_p) ** 2
        ccc = np.where(spread > 0, 2 * covariance / spread, np.nan)
        pearson = np.clip(covariance / np.sqrt(var_t * var_p), -1.0, 1.0)
    return {"ccc": ccc, "mse": np.maximum(tt + pp - 2 * tp, 0.0), "pearson": pearson}


def _positive(variance: np.ndarray, square: np.ndarray) -> np.ndarray:
    """A variance; 0 for what rounding leaves of a constant."""
    return np.where(variance > 1e-13 * square, variance, 0.0)
