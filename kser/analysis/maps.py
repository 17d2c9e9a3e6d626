"""Utterances as points of a plane."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kser.analysis.vectors import centred, checked
from kser.errors import UserError, install_extra


class PlaneMap(NamedTuple):
    """Principal components.

    Attributes:
        points: float64 (utterances, 2).
        shares: float64 (2,), of the variance that each axis shows.
    """

    points: np.ndarray
    shares: np.ndarray


def pca_map(vectors: ArrayLike) -> PlaneMap:
    """The two directions of the largest variance, each turned so that its largest channel weight is positive.

    Args:
        vectors: (utterances, channels), at least two channels.

    Raises:
        ValueError: another shape.
        UserError: fewer than 3 utterances or 2 channels, values that are not finite, equal vectors only.
    """
    array = centred(checked(vectors, "vectors", least=3))
    if array.shape[1] < 2:
        raise UserError("vectors: one channel makes no plane, at least 2 are needed")
    _, values, directions = np.linalg.svd(array, full_matrices=False)
    axes = directions[:2]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    shares = values[:2] ** 2 / (values**2).sum()
    return PlaneMap(array @ (axes * np.sign(largest)).T, shares)


def umap_map(vectors: ArrayLike, *, neighbours: int = 15, seed: int = 0) -> np.ndarray:
    """UMAP: a plane in which near neighbours stay near; distances between far points mean nothing.

    McInnes, Healy & Melville, "UMAP: uniform manifold approximation and projection for dimension reduction",
    2018. Needs the extra `umap`.

    Args:
        vectors: (utterances, channels).
        neighbours: how many of an utterance's nearest ones shape the map; fewer show finer structure.
        seed: of the map.

    Returns:
        float64 (utterances, 2).

    Raises:
        ValueError: another shape, or `neighbours` is below 2.
        UserError: umap-learn is not installed; fewer utterances than `neighbours` + 2; values that are not
            finite; equal vectors only.
    """
    if neighbours < 2:
        raise ValueError(f"neighbours must be at least 2, got {neighbours}")
    array = np.asarray(checked(vectors, "vectors", least=neighbours + 2), dtype=np.float64)
    try:
        import umap
    except ImportError as error:
        raise UserError(f"not installed: umap-learn; {install_extra('umap')}") from error
    # Threads would add up in another order each time; umap warns that a seed means one.
    mapper = umap.UMAP(n_components=2, n_neighbors=neighbours, random_state=seed, n_jobs=1)
    return np.asarray(mapper.fit_transform(array), dtype=np.float64)
