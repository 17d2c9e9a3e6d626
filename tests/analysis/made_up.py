"""Representations whose similarity is known."""

import numpy as np


def random_vectors(n, channels, seed=0):
    return np.random.default_rng(seed).normal(size=(n, channels))


def rotation(channels, seed=0):
    """A random orthogonal matrix."""
    return np.linalg.qr(random_vectors(channels, channels, seed))[0]


def related_pair(n, seed=0):
    """Vectors of 6 and 4 channels that share a part of what they hold."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 3))
    return tuple(
        shared @ rng.normal(size=(3, channels)) + rng.normal(size=(n, channels)) for channels in (6, 4)
    )
