"""Similarity by canonical correlations: SVCCA and PWCCA, of centred vectors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kser.analysis.vectors import centred, checked_pair
from kser.errors import UserError


class Correlated(NamedTuple):
    """Canonical correlations of two representations, c of them: as many as the smaller has directions.

    Attributes:
        correlations: float64 (c,), descending, from 0 to 1.
        weights: float64 (c,), sum 1: how much of the first representation's channels each canonical direction
            accounts for.
    """

    correlations: np.ndarray
    weights: np.ndarray


def svcca(first: ArrayLike, second: ArrayLike, *, explained_variance: float = 0.99) -> float:
    """Singular vector canonical correlation analysis (SVCCA): the mean canonical correlation.

    Raghu et al., "SVCCA: singular vector canonical correlation analysis for deep learning dynamics and
    interpretability", 2017. It does not change under invertible linear maps of what is kept. All directions
    count alike, and chance raises it as √(directions / utterances) does: compare with
    `kser.analysis.uncertainty.permutation_test`.

    Args:
        first: (utterances, channels).
        second: (utterances, other channels), the same utterances in the same order.
        explained_variance: share of the variance that the principal directions of each keep; 1 keeps all
            that are not 0.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: shapes do not fit, or the share is not above 0 and at most 1.
        UserError: there are not more utterances than directions on both sides together, where correlations
            are 1 whatever the data; or values that are not finite, equal vectors only.
    """
    return float(canonical_correlations(first, second, explained_variance).correlations.mean())


def pwcca(first: ArrayLike, second: ArrayLike, *, explained_variance: float = 0.99) -> float:
    """Projection-weighted canonical correlation analysis (PWCCA).

    Morcos, Raghu & Bengio, "Insights on representational similarity in neural networks with canonical
    correlation", 2018: as `svcca`, each correlation weighing by how much of the first representation it
    accounts for. Not symmetric: take the mean of both orders where neither is the reference.

    Args:
        first: (utterances, channels), whose directions weigh.
        second: see `svcca`.
        explained_variance: see `svcca`.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: see `svcca`.
        UserError: see `svcca`.
    """
    found = canonical_correlations(first, second, explained_variance)
    return float(found.weights @ found.correlations)


def canonical_correlations(
    first: ArrayLike, second: ArrayLike, explained_variance: float = 1.0
) -> Correlated:
    """Canonical correlations of the principal directions. Arguments and errors as `svcca`.

    Of orthonormal bases of both, the correlations are the singular values of their product (Björck & Golub,
    "Numerical methods for computing angles between linear subspaces", 1973).
    """
    if not 0 < explained_variance <= 1:
        raise ValueError(f"explained_variance must be above 0 and at most 1, got {explained_variance}")
    one, other = checked_pair(first, second)
    basis, channels = _principal(one, explained_variance)
    other_basis, _ = _principal(other, explained_variance)
    n, kept, other_kept = len(one), basis.shape[1], other_basis.shape[1]
    if kept + other_kept >= n:
        raise UserError(
            f"{n} utterances are too few for {kept} and {other_kept} directions: with fewer than "
            f"{kept + other_kept + 1} some correlations are 1 whatever the data; keep less variance"
        )
    rotation, correlations, _ = np.linalg.svd(basis.T @ other_basis, full_matrices=False)
    weights = np.abs(rotation.T @ channels).sum(axis=1)
    return Correlated(np.clip(correlations, 0.0, 1.0), weights / weights.sum())


def _principal(vectors: np.ndarray, explained_variance: float) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis (utterances, kept) and how it makes the channels (kept, channels)."""
    left, values, right = np.linalg.svd(centred(vectors), full_matrices=False)
    rank = int((values > values[0] * np.finfo(np.float64).eps * max(vectors.shape)).sum())
    shares = np.cumsum(values[:rank] ** 2) / (values[:rank] ** 2).sum()
    # Rounding may leave the last share below 1.
    kept = min(int(np.searchsorted(shares, explained_variance - 1e-12)) + 1, rank)
    return left[:, :kept], values[:kept, None] * right[:kept]
