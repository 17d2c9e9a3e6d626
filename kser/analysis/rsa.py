"""Representational similarity analysis (RSA): whether both representations hold the same utterances apart."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.spatial.distance import squareform

from kser.analysis.vectors import centred, checked_pair, narrow, squared_distances
from kser.errors import UserError

Dissimilarity = Literal["correlation", "cosine", "euclidean"]
Correlation = Literal["spearman", "pearson"]


def rsa(
    first: ArrayLike,
    second: ArrayLike,
    *,
    dissimilarity: Dissimilarity = "correlation",
    correlation: Correlation = "spearman",
    most: int = 3000,
    seed: int = 0,
) -> float:
    """Correlation of the dissimilarities of all pairs of utterances.

    Kriegeskorte, Mur & Bandettini, "Representational similarity analysis – connecting the branches of systems
    neuroscience", 2008.

    Args:
        first: (utterances, channels).
        second: (utterances, other channels), the same utterances in the same order.
        dissimilarity: of two utterances: 1 − Pearson's r over the channels, 1 − cosine, or the Euclidean
            distance.
        correlation: of the dissimilarities: of their ranks (Spearman) or themselves (Pearson).
        most: of more utterances so many are drawn: memory and time grow with their square (3000 make 4.5
            million pairs).
        seed: of the draw.

    Returns:
        From −1 to 1; 0 where there is no relation. NaN where all dissimilarities of one are equal.

    Raises:
        ValueError: shapes do not fit, or an argument is not one of the above.
        UserError: fewer than 3 utterances, values that are not finite, equal vectors only, or a vector
            without direction, where the dissimilarity is about directions.
    """
    for name, value, allowed in (
        ("dissimilarity", dissimilarity, get_args(Dissimilarity)),
        ("correlation", correlation, get_args(Correlation)),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    one, other = checked_pair(first, second, least=3)
    if len(one) > most:
        rows = np.sort(np.random.default_rng(seed).choice(len(one), most, replace=False))
        one, other = one[rows], other[rows]
    pairs = [dissimilarities(one, "first", dissimilarity), dissimilarities(other, "second", dissimilarity)]
    if any(np.ptp(values) <= 1e-12 * values.max() for values in pairs):
        return float("nan")
    return float((stats.spearmanr if correlation == "spearman" else stats.pearsonr)(*pairs).statistic)


def dissimilarities(vectors: np.ndarray, name: str, dissimilarity: Dissimilarity) -> np.ndarray:
    """Of all pairs of utterances, float64 (n · (n − 1) / 2,), in the order of `scipy.spatial.distance.pdist`.

    Args:
        vectors: (n, channels).
        name: what messages call it.
        dissimilarity: see `rsa`.

    Raises:
        UserError: a vector has no direction: it is 0, or for "correlation" all its channels are equal.
    """
    array = np.asarray(vectors, dtype=np.float64)
    if dissimilarity == "euclidean":
        points = narrow(centred(array))
        return np.sqrt(squareform(squared_distances(points, points), checks=False))
    if dissimilarity == "correlation":
        flat = np.ptp(array, axis=1) == 0
        array = array - array.mean(axis=1, keepdims=True)
    else:
        flat = ~array.any(axis=1)
    if flat.any():
        raise UserError(f"{name}: row {int(flat.argmax())} has no direction; use Euclidean distances")
    units = array / np.linalg.norm(array, axis=1, keepdims=True)
    return 1 - squareform(units @ units.T, checks=False)
