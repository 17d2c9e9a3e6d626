"""The distance that is left when one representation is turned onto the other as well as it can be."""

import numpy as np
from numpy.typing import ArrayLike

from kser.analysis.vectors import centred, checked_pair, narrow


def procrustes_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Orthogonal Procrustes distance of centred representations of size 1.

    min over orthogonal Q of ‖X − YQ‖ (Frobenius), where each is divided by its norm: √(2 − 2‖XᵀY‖∗) with the
    nuclear norm. A metric of shapes (Williams et al., "Generalized shape metrics on neural representations",
    2021), whose square Ding, Denain & Steinhardt ("Grounding representation similarity through statistical
    testing", 2021) found to follow what models do more closely than CKA. Representations of different width
    are compared as if the narrower had further channels that are 0.

    Args:
        first: (utterances, channels).
        second: (utterances, other channels), the same utterances in the same order.

    Returns:
        From 0 (equal up to shift, scale, rotation and mirroring) to √2 (nothing in common).

    Raises:
        ValueError: shapes do not fit.
        UserError: values that are not finite, equal vectors only.
    """
    one, other = (narrow(centred(vectors)) for vectors in checked_pair(first, second))
    nuclear = np.linalg.svd(one.T @ other, compute_uv=False).sum()
    shared = nuclear / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.sqrt(max(0.0, 2 - 2 * shared)))
