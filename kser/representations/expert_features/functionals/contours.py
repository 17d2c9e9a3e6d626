"""What is told of a contour, a value a frame: moments, percentiles, the slopes of its rises and falls."""

import numpy as np

HOP_S = 0.01
"""Between two frames."""


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First frame of each stretch of true ones, and the frame behind its last.

    Args:
        mask: bool (frames,).
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def mean(values: np.ndarray) -> float:
    """Of the values that are there, those that are not NaN; NaN of none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def deviation(values: np.ndarray) -> float:
    """As `mean`, the standard deviation (of all, not of a sample)."""
    known = values[~np.isnan(values)]
    return float(known.std()) if known.size else np.nan


def percentiles(values: np.ndarray) -> tuple[float, float, float]:
    """As `mean`, the 20th, 50th and 80th percentile."""
    known = values[~np.isnan(values)]
    if not known.size:
        return np.nan, np.nan, np.nan
    low, middle, high = np.percentile(known, (20, 50, 80)).tolist()
    return low, middle, high


def smoothed(contour: np.ndarray) -> np.ndarray:
    """The mean of each frame and its neighbours, of both where it has both, as eGeMAPS smooths contours.

    Args:
        contour: (frames,), no NaN.
    """
    padded = np.pad(contour, 1, mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def slopes(contours: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of each part that rises without a break, and of each that falls, its slope a second.

    A long part counts as a short one does: each is a movement of the voice.

    Args:
        contours: (frames,) of each stretch, no NaN; stretches have nothing to do with each other.

    Returns:
        The slopes of the rising parts, above 0, and of the falling ones, below 0.
    """
    rising: list[float] = []
    falling: list[float] = []
    for contour in contours:
        steps = np.diff(contour)
        for parts, moves in ((rising, steps > 0), (falling, steps < 0)):
            parts += [float(steps[start:end].mean() / HOP_S) for start, end in runs(moves)]
    return np.array(rising), np.array(falling)
