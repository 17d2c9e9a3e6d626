"""The shape of one representation: how many dimensions it uses, and what lies together in it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import silhouette_score

from kser.analysis.folds import group_codes
from kser.analysis.vectors import centred, checked
from kser.errors import UserError


def participation_ratio(vectors: ArrayLike) -> float:
    """(Σλ)² / Σλ² of the eigenvalues λ of the covariance: how many directions share the variance.

    Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement", 2017. Few directions of
    large variance decide it; see `effective_rank` for a measure that weighs small ones more.

    Args:
        vectors: (utterances, channels).

    Returns:
        From 1 to the smaller of channels and utterances − 1.

    Raises:
        ValueError: another shape.
        UserError: fewer than 2 utterances, values that are not finite, equal vectors only.
    """
    variances = _singular_values(centred(checked(vectors, "vectors"))) ** 2
    return float(variances.sum() ** 2 / (variances**2).sum())


def effective_rank(vectors: ArrayLike) -> float:
    """exp of the entropy of the singular values of the centred vectors, divided by their sum.

    Roy & Vetterli, "The effective rank: a measure of effective dimensionality", 2007.

    Args, returned range and errors: see `participation_ratio`.
    """
    return _exp_entropy(_singular_values(centred(checked(vectors, "vectors"))))


def rankme(vectors: ArrayLike) -> float:
    """RankMe: `effective_rank` of the vectors as they are, without centring.

    Garrido et al., "RankMe: assessing the downstream performance of pretrained self-supervised
    representations by their rank", 2023. What all utterances have in common counts as a direction and lowers
    it. The small number that the paper adds to each share is left out: in float64 it changes nothing.

    Args, returned range and errors: see `participation_ratio`, but up to the number of utterances.
    """
    return _exp_entropy(_singular_values(np.asarray(checked(vectors, "vectors"), dtype=np.float64)))


def silhouette(
    vectors: ArrayLike,
    labels: ArrayLike | Sequence[object] | pd.Series,
    *,
    metric: Literal["euclidean", "cosine"] = "euclidean",
) -> float:
    """Mean silhouette of the utterances: whether those of a label lie together and apart from others.

    (b − a) / max(a, b) of the mean distances a to the own label and b to the nearest other (Rousseeuw,
    "Silhouettes", 1987). By emotion it is small while voices differ: see
    `kser.analysis.vectors.centred_within` to take them out. Time grows with the square of the utterances.

    Args:
        vectors: (utterances, channels).
        labels: one an utterance, such as its emotion or its speaker.
        metric: distance of two utterances.

    Returns:
        From −1 to 1; 0 where labels do not matter.

    Raises:
        ValueError: arrays do not fit together.
        UserError: values are missing or not finite, there is one label only, or as many as utterances.
    """
    array = np.asarray(checked(vectors, "vectors", least=3), dtype=np.float64)
    codes = group_codes(labels, len(array), "labels")
    n_labels = int(codes.max()) + 1
    if not 2 <= n_labels < len(array):
        raise UserError(f"labels: {len(array)} utterances need 2 to {len(array) - 1} of them, got {n_labels}")
    return float(silhouette_score(array, codes, metric=metric))


def _singular_values(array: np.ndarray) -> np.ndarray:
    """By the eigenvalues of the products, which takes many times less than a decomposition of the array.

    Values below 1e-8 of the largest are lost in rounding; for a share of the sum that is as good as 0.
    """
    products = array.T @ array if array.shape[1] <= len(array) else array @ array.T
    return np.sqrt(np.maximum(np.linalg.eigvalsh(products), 0.0))


def _exp_entropy(values: np.ndarray) -> float:
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
