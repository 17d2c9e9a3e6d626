"""How far a layer has moved from what it was: the same utterances before and after training."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kser.analysis.cka import linear_cka
from kser.analysis.vectors import checked_pair, row_blocks
from kser.errors import UserError


class Drift(NamedTuple):
    """Of one layer between two checkpoints; all are 0 where nothing has changed.

    Attributes:
        rearranged: 1 − debiased linear CKA: only what is more than shift, scale and rotation.
        turned: 1 − mean cosine of an utterance's vector before and after. Vectors of a layer have much in
            common, which keeps it small.
        moved: ‖after − before‖ / ‖before‖ over all vectors (Frobenius norms): any change.
    """

    rearranged: float
    turned: float
    moved: float


def layer_drift(before: ArrayLike, after: ArrayLike) -> Drift:
    """Compare a layer's vectors of the same utterances at two checkpoints, in parts of the utterances.

    Args:
        before: (utterances, channels).
        after: the same shape.

    Raises:
        ValueError: shapes differ.
        UserError: fewer than 4 utterances, values that are not finite, equal vectors only, or a vector that
            is 0, which has no direction.
    """
    old, new = checked_pair(before, after, least=4)
    if old.shape != new.shape:
        raise ValueError(f"first has {old.shape[1]} channels but second has {new.shape[1]}")
    cosines, change, size = 0.0, 0.0, 0.0
    for rows in row_blocks(*old.shape):
        first, second = old[rows].astype(np.float64), new[rows].astype(np.float64)
        norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        if not norms.all():
            raise UserError(f"row {rows.start + int((norms == 0).argmax())} is 0, which has no direction")
        cosines += float(((first * second).sum(axis=1) / norms).sum())
        change += float(((second - first) ** 2).sum())
        size += float((first**2).sum())
    return Drift(1 - linear_cka(old, new), 1 - cosines / len(old), float(np.sqrt(change / size)))
