"""Centred kernel alignment (CKA): how alike two representations arrange the same utterances.

CKA is HSIC(K, L) / √(HSIC(K, K) · HSIC(L, L)) of the Gram matrices K and L of both (Kornblith et al.,
"Similarity of neural network representations revisited", 2019; Cortes, Mohri & Rostamizadeh, "Algorithms for
learning kernels based on centered alignment", 2012). It does not change when a representation is rotated,
mirrored, shifted or scaled as a whole; it does when single channels are, so standardise first
(`kser.analysis.vectors.standardised`) where units of channels mean nothing.

The biased estimate of HSIC is above 0 for independent data, the more the fewer utterances there are beside
channels: two random representations of 500 utterances in 1024 channels have a CKA of about 0.67. Everything
here is debiased unless asked otherwise, by the unbiased HSIC of Song et al. ("Feature selection via
dependence maximization", 2012).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kser.analysis.vectors import centred, checked_pair, narrow, row_blocks, squared_distances
from kser.errors import UserError

# Unbiased HSIC divides by n − 3.
_FEWEST = 4
_ROWS_OF_MEDIAN = 1000
# What is left of HSIC by rounding, relative to the Gram matrices it is a difference of.
_ROUNDING = 1e-13


class GramSums(NamedTuple):
    """What HSIC takes of the Gram matrices of k representations of the same n utterances.

    Attributes:
        products: float64 (k, k): sums over all entries of the product of two matrices.
        rows: float64 (k, n): sums of the rows of each.
        diagonals: float64 (k, n).
    """

    products: np.ndarray
    rows: np.ndarray
    diagonals: np.ndarray


SumsOf = Callable[[Sequence[np.ndarray]], GramSums]


def linear_cka(
    first: ArrayLike,
    second: ArrayLike,
    *,
    debiased: bool = True,
    batch_size: int | None = None,
    seed: int = 0,
) -> float:
    """CKA of inner products.

    Of more utterances than channels it is computed from channels × channels, in parts of the utterances:
    memory does not grow with their number.

    Args:
        first: (utterances, channels).
        second: (utterances, other channels), the same utterances in the same order.
        debiased: by unbiased HSIC; else the biased estimate that many papers report.
        batch_size: mean HSIC over random batches of about so many utterances (Nguyen, Raghu & Kornblith, "Do
            wide and deep networks learn the same things?", 2021); `None` takes all at once.
        seed: of the batches.

    Returns:
        1 for equal arrangements, 0 for unrelated ones. Biased from 0 to 1; debiased from −1 to 1, around 0
        where there is no relation; in batches it may leave that range by chance. NaN where one of both has
        all utterances equally far apart.

    Raises:
        ValueError: shapes do not fit, or `batch_size` is below 4 or asked for with the biased estimate.
        UserError: fewer than 4 utterances, values that are not finite, equal vectors only.
    """
    pair = checked_pair(first, second, _FEWEST)
    return _cka(pair, linear_sums, debiased, batch_size, seed)


def rbf_cka(
    first: ArrayLike,
    second: ArrayLike,
    *,
    fraction: float = 1.0,
    debiased: bool = True,
    batch_size: int | None = None,
    seed: int = 0,
) -> float:
    """CKA of Gaussian kernels, exp(−d² / 2σ²) of Euclidean distances d: it weighs near neighbours.

    All at once takes time with the square of the utterances, but memory only with their number. In batches
    the bandwidths are still those of all utterances.

    Args:
        first: (utterances, channels).
        second: (utterances, other channels), the same utterances in the same order.
        fraction: σ of each representation, in medians of its distances; with large ones the result goes
            towards that of `linear_cka`.
        debiased: see `linear_cka`.
        batch_size: see `linear_cka`.
        seed: of the batches, and of the utterances whose distances give the median (1000 at most).

    Returns:
        As `linear_cka`.

    Raises:
        ValueError: as `linear_cka`, or `fraction` is not above 0.
        UserError: as `linear_cka`, or more than half of the distances are 0.
    """
    if not fraction > 0:
        raise ValueError(f"fraction must be above 0, got {fraction}")
    one, other = (narrow(centred(vectors)) for vectors in checked_pair(first, second, _FEWEST))
    bandwidths = [
        fraction * _median_distance(vectors, name, seed)
        for vectors, name in ((one, "first"), (other, "second"))
    ]
    return _cka((one, other), lambda arrays: rbf_sums(arrays, bandwidths), debiased, batch_size, seed)


def linear_sums(arrays: Sequence[np.ndarray]) -> GramSums:
    """Of inner products of centred vectors; arrays as `kser.analysis.vectors.checked` gives them."""
    n, k = len(arrays[0]), len(arrays)
    if any(array.shape[1] > n for array in arrays):
        points = [centred(array) for array in arrays]
        return _sums_of_rows(n, k, lambda rows: [vectors[rows] @ vectors.T for vectors in points])
    means = [array.mean(axis=0, dtype=np.float64) for array in arrays]
    crossed = {
        (i, j): np.zeros((arrays[i].shape[1], arrays[j].shape[1])) for i in range(k) for j in range(i, k)
    }
    diagonals = np.empty((k, n))
    for rows in row_blocks(n, sum(array.shape[1] for array in arrays)):
        parts = [array[rows].astype(np.float64) - mean for array, mean in zip(arrays, means, strict=True)]
        diagonals[:, rows] = [(part**2).sum(axis=1) for part in parts]
        for i, j in crossed:
            crossed[i, j] += parts[i].T @ parts[j]
    products = np.empty((k, k))
    for (i, j), total in crossed.items():
        # Σ (x·x')(y·y') over all pairs of utterances is the squared norm of XᵀY.
        products[i, j] = products[j, i] = np.vdot(total, total)
    # Rows of the Gram matrix of centred vectors sum to 0.
    return GramSums(products, np.zeros((k, n)), diagonals)


def rbf_sums(arrays: Sequence[np.ndarray], bandwidths: Sequence[float]) -> GramSums:
    """Of Gaussian kernels; arrays float64 and centred, or nearly so, which keeps rounding small."""

    def gram_rows(rows: slice) -> list[np.ndarray]:
        return [
            np.exp(squared_distances(vectors[rows], vectors) / (-2 * bandwidth**2))
            for vectors, bandwidth in zip(arrays, bandwidths, strict=True)
        ]

    return _sums_of_rows(len(arrays[0]), len(arrays), gram_rows)


def _sums_of_rows(n: int, k: int, gram_rows: Callable[[slice], list[np.ndarray]]) -> GramSums:
    """The sums of k Gram matrices, of which a function gives some rows at a time, each (rows, n)."""
    sums = GramSums(np.zeros((k, k)), np.empty((k, n)), np.empty((k, n)))
    for rows in row_blocks(n, k * n):
        grams = np.stack(gram_rows(rows))
        sums.rows[:, rows] = grams.sum(axis=2)
        sums.diagonals[:, rows] = np.diagonal(grams[:, :, rows], axis1=1, axis2=2)
        flat = grams.reshape(k, -1)
        sums.products[:] += flat @ flat.T
    return sums


def hsic(sums: GramSums, *, debiased: bool = True) -> np.ndarray:
    """Hilbert-Schmidt independence criterion of each two of k representations.

    Returns:
        float64 (k, k). Biased: tr(KHLH) / (n − 1)², never negative (Gretton et al., "Measuring statistical
        dependence with Hilbert-Schmidt norms", 2005). Unbiased: the mean over all four different utterances
        (Song et al. 2012, equation 5), for n > 3, with mean 0 for independent data.
    """
    products, rows, n = sums.products, sums.rows, sums.rows.shape[1]
    if debiased:
        # The same with matrices whose diagonals are 0.
        products = products - sums.diagonals @ sums.diagonals.T
        rows = rows - sums.diagonals
    totals = rows.sum(axis=1)
    of_rows, of_totals = rows @ rows.T, np.outer(totals, totals)
    if debiased:
        return (products - 2 / (n - 2) * of_rows + of_totals / ((n - 1) * (n - 2))) / (n * (n - 3))
    return (products - 2 / n * of_rows + of_totals / n**2) / (n - 1) ** 2


def aligned(criterion: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """CKA (k, k) of each two representations from their HSIC (k, k).

    Args:
        criterion: see `hsic`.
        scale: (k,), the mean square of the entries of each Gram matrix. NaN stands for a representation whose
            HSIC is 0 but for rounding at this scale.
    """
    own = np.diagonal(criterion)
    root = np.sqrt(np.where(own > _ROUNDING * scale, own, np.nan))
    return criterion / np.outer(root, root)


def _cka(
    pair: tuple[np.ndarray, np.ndarray], sums_of: SumsOf, debiased: bool, batch_size: int | None, seed: int
) -> float:
    n = len(pair[0])
    if batch_size is None:
        batches: list[np.ndarray | slice] = [slice(None)]
    elif batch_size < _FEWEST or not debiased:
        raise ValueError(f"batches are debiased and of at least {_FEWEST} utterances, got {batch_size}")
    else:
        order = np.random.default_rng(seed).permutation(n)
        # Sorted rows are read from a file in one go.
        batches = [np.sort(batch) for batch in np.array_split(order, max(1, n // batch_size))]
    criterion, scale = np.zeros((2, 2)), np.zeros(2)
    for batch in batches:
        sums = sums_of([vectors[batch] for vectors in pair])
        criterion += hsic(sums, debiased=debiased) / len(batches)
        scale += np.diagonal(sums.products) / sums.rows.shape[1] ** 2 / len(batches)
    return float(aligned(criterion, scale)[0, 1])


def _median_distance(vectors: np.ndarray, name: str, seed: int) -> float:
    if len(vectors) > _ROWS_OF_MEDIAN:
        chosen = np.random.default_rng(seed).choice(len(vectors), _ROWS_OF_MEDIAN, replace=False)
        vectors = vectors[np.sort(chosen)]
    distances = np.sqrt(squared_distances(vectors, vectors)[np.triu_indices(len(vectors), 1)])
    # Of equal vectors rounding may leave a little.
    if (median := np.median(distances)) <= np.sqrt(_ROUNDING) * distances.max():
        raise UserError(f"{name}: more than half of the utterances' distances are 0: no bandwidth follows")
    return float(median)
