"""Vectors of utterances as the measures take them: checked, centred, in parts where they are many."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from kser.errors import UserError

# Numbers of float64 in memory at once where an array is gone through in parts: 32 MB.
_CELLS_AT_ONCE = 4_000_000


def checked(vectors: ArrayLike, name: str, least: int = 2) -> np.ndarray:
    """The array as it is: one that is mapped from a file is read through, but not into memory.

    Args:
        vectors: (utterances, channels), of any real type.
        name: what messages call it.
        least: the fewest utterances that the measure is defined for.

    Raises:
        ValueError: it has another shape.
        UserError: it has too few utterances, a value that is no number, or equal vectors only.
    """
    array = np.asanyarray(vectors)
    if array.ndim != 2 or not array.shape[1]:
        raise ValueError(f"{name} has the shape {array.shape}, not (utterances, channels)")
    if len(array) < least:
        raise UserError(f"{name}: {len(array)} utterances are too few, at least {least} are needed")
    differ = False
    for rows in row_blocks(*array.shape):
        if len(bad := np.flatnonzero(~np.isfinite(array[rows]).all(axis=1))):
            raise UserError(f"{name}: row {rows.start + bad[0]} has a value that is not finite")
        differ = differ or bool((array[rows] != array[0]).any())
    if not differ:
        raise UserError(f"{name}: all utterances have the same vector, which says nothing about them")
    return array


def checked_pair(first: ArrayLike, second: ArrayLike, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of vectors of the same utterances, see `checked`.

    Raises:
        ValueError: they have another shape, or not as many rows.
        UserError: see `checked`.
    """
    one, other = checked(first, "first", least), checked(second, "second", least)
    if len(one) != len(other):
        raise ValueError(f"first has {len(one)} utterances but second has {len(other)}")
    return one, other


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices that go through all rows; `width` numbers a row fit into memory, one slice at a time."""
    step = max(1, _CELLS_AT_ONCE // width)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def centred(vectors: np.ndarray) -> np.ndarray:
    """float64 (utterances, channels), each channel with mean 0."""
    array = np.array(vectors, dtype=np.float64)
    array -= array.mean(axis=0)
    return array


def standardised(vectors: np.ndarray) -> np.ndarray:
    """float64 (utterances, channels), each channel with mean 0 and variance 1; a constant channel is 0.

    Transformers have few channels of very large variance, which otherwise decide what a measure of distances
    or products says.
    """
    given = np.asarray(vectors)
    array = centred(given)
    constant = (given == given[0]).all(axis=0)
    # In place and without squares in a second array: layers of very many utterances are large.
    spread = np.sqrt(np.einsum("ij,ij->j", array, array) / len(array))
    array /= np.where(constant, 1.0, spread)
    array[:, constant] = 0.0
    return array


def centred_within(vectors: np.ndarray, groups: ArrayLike) -> np.ndarray:
    """float64 (utterances, channels) without the mean of each group, such as the speaker's voice.

    Args:
        vectors: (utterances, channels).
        groups: one an utterance.
    """
    array = np.asarray(vectors, dtype=np.float64).copy()
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    for code in range(codes.max() + 1):
        array[codes == code] -= array[codes == code].mean(axis=0)
    return array


def narrow(vectors: np.ndarray) -> np.ndarray:
    """The same vectors in no more dimensions than there are of them.

    Wide arrays are rotated into the space that their rows span: distances and inner products, of which CKA,
    Procrustes and RSA are made, stay as they are, and products of channels fit into memory.
    """
    if vectors.shape[1] <= len(vectors):
        return vectors
    return np.asarray(np.linalg.qr(vectors.T, mode="r")).T


def squared_distances(some: np.ndarray, all_vectors: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (some, all) of centred float64 vectors, at least 0."""
    squares = (some**2).sum(axis=1)[:, None] + (all_vectors**2).sum(axis=1)
    return np.maximum(squares - 2 * some @ all_vectors.T, 0.0)
