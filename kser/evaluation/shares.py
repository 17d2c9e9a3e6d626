"""Parts of wholes, where a whole may be nothing."""

import numpy as np


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole` as float64, of arrays that broadcast; NaN where `whole` is not above 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where nothing is left."""
    defined = ~np.isnan(values)
    return share(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))
