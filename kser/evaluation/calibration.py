"""Calibration: do the probabilities of a classifier mean what they say?

Confidence is the probability of the predicted class, the most probable one (Guo, Pleiss, Sun & Weinberger,
"On calibration of modern neural networks", 2017). Arguments are keyword-only, as everywhere in
kser.evaluation.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from kser.evaluation.labels import Label, LabelArray, encode

Binning = Literal["equal_width", "equal_count"]
BINS = 15


def calibration_report(
    *, y_true: LabelArray, probabilities: np.ndarray, labels: Sequence[Label], bins: int = BINS
) -> dict[str, Any]:
    """Everything about calibration, ready for JSON.

    Args:
        y_true: one label an utterance; those that the model does not know are left out.
        probabilities: float (utterances, labels), rows that sum to 1.
        labels: all labels of the model, in the order of the columns.
        bins: of ECE, MCE and the reliability diagram.

    Returns:
        A dictionary with `n`; `ece` and `mce`, expected and maximum calibration error over `bins` bins of
        equal width; `ece_adaptive`, the expected one over bins of equal numbers of utterances; `brier`;
        `nll`; `confidence` and `accuracy`, means over all utterances; `bins`, `binning` ("equal_width"); and
        `reliability`, one entry a bin as `reliability_bins` gives it.

    Raises:
        UserError: no utterance has a label that the model knows.
        ValueError: `probabilities` are not probabilities.
    """
    true, known = _known(y_true, probabilities, labels)
    equal_width, equal_count = (_bins(true, known, bins, kind) for kind in ("equal_width", "equal_count"))
    confidence, right = _confidence(true, known)
    return {
        "n": len(true),
        "ece": expected_calibration_error(equal_width),
        "mce": maximum_calibration_error(equal_width),
        "ece_adaptive": expected_calibration_error(equal_count),
        "brier": brier_score(y_true=y_true, probabilities=probabilities, labels=labels),
        "nll": negative_log_likelihood(y_true=y_true, probabilities=probabilities, labels=labels),
        "confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
        "bins": bins,
        "binning": "equal_width",
        "reliability": [
            {name: None if pd.isna(value) else value for name, value in entry.items()}
            for entry in equal_width.to_dict("records")
        ],
    }


def reliability_bins(
    *,
    y_true: LabelArray,
    probabilities: np.ndarray,
    labels: Sequence[Label],
    bins: int = BINS,
    binning: Binning = "equal_width",
) -> pd.DataFrame:
    """The data of a reliability diagram.

    Args:
        y_true: one label an utterance; those that the model does not know are left out.
        probabilities: float (utterances, labels), rows that sum to 1.
        labels: all labels of the model, in the order of the columns.
        bins: how many.
        binning: "equal_width": (0, 1/bins], …, as in Guo et al. (2017); "equal_count": as many utterances in
            each as can be (Nguyen & O'Connor 2015), fewer bins than asked for when there are fewer
            utterances.

    Returns:
        One row a bin: `low` and `high` of the confidence, `n` utterances, mean `confidence` and `accuracy`
        (NaN in an empty bin).
    """
    return _bins(*_known(y_true, probabilities, labels), bins, binning)


def expected_calibration_error(reliability: pd.DataFrame) -> float:
    """ECE: the mean of |accuracy − confidence| over the bins, weighted by their utterances."""
    gaps = (reliability["accuracy"] - reliability["confidence"]).abs()
    return float((gaps * reliability["n"]).sum() / reliability["n"].sum())


def maximum_calibration_error(reliability: pd.DataFrame) -> float:
    """MCE: the largest |accuracy − confidence| of a bin that is not empty."""
    return float((reliability["accuracy"] - reliability["confidence"]).abs().max())


def brier_score(*, y_true: LabelArray, probabilities: np.ndarray, labels: Sequence[Label]) -> float:
    """The squared distance between probabilities and the true class, summed over classes, mean over
    utterances.

    From 0 (certain and right) to 2 (certain and wrong), as Brier (1950) defined it for several classes.
    """
    true, known = _known(y_true, probabilities, labels)
    return float(((known - np.eye(known.shape[1])[true]) ** 2).sum(axis=1).mean())


def negative_log_likelihood(
    *, y_true: LabelArray, probabilities: np.ndarray, labels: Sequence[Label]
) -> float:
    """The mean of −ln(probability of the true class), in nats; a probability counts as 2.2e-16 at least."""
    true, known = _known(y_true, probabilities, labels)
    of_true = known[np.arange(len(true)), true]
    return float(-np.log(np.clip(of_true, np.finfo(np.float64).eps, 1.0)).mean())


def _bins(true: np.ndarray, probabilities: np.ndarray, bins: int, binning: Binning) -> pd.DataFrame:
    confidence, right = _confidence(true, probabilities)
    if binning == "equal_width":
        edges = np.linspace(0.0, 1.0, bins + 1)
        number = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
        members = [np.flatnonzero(number == i) for i in range(bins)]
        bounds = list(pairwise(edges))
    else:
        members = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(confidence)))
        bounds = [(confidence[rows].min(), confidence[rows].max()) for rows in members]
    return pd.DataFrame(
        {
            "low": [float(low) for low, _ in bounds],
            "high": [float(high) for _, high in bounds],
            "n": [len(rows) for rows in members],
            "confidence": [float(confidence[rows].mean()) if len(rows) else np.nan for rows in members],
            "accuracy": [float(right[rows].mean()) if len(rows) else np.nan for rows in members],
        }
    )


def _confidence(true: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and whether the most probable class is the true one, both (utterances,)."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == true


def _known(
    y_true: LabelArray, probabilities: np.ndarray, labels: Sequence[Label]
) -> tuple[np.ndarray, np.ndarray]:
    """True classes and probabilities, float64 whatever they come in, of the utterances the model can
    judge."""
    given = np.asarray(probabilities, dtype=np.float64)
    if given.shape != (len(y_true), len(labels)):
        raise ValueError(f"probabilities: {given.shape}, not (utterances, labels) {len(y_true), len(labels)}")
    # Rounded to four decimals they still count as probabilities.
    if not (np.isfinite(given).all() and (given >= 0).all() and np.allclose(given.sum(axis=1), 1, atol=1e-3)):
        raise ValueError("probabilities: numbers from 0 to 1 that sum to 1 in each row are needed")
    names = list(labels)
    codes = encode(y_true, [names[i] for i in given.argmax(axis=1)], labels)
    return codes.known().true, given[codes.judgeable]
