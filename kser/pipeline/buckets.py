"""Length buckets: the few static lengths that batches are padded to.

JAX compiles a step for every shape it meets. Utterances of any length are therefore padded to one of a
handful of lengths, chosen so that as little as possible is padding.
"""

from collections.abc import Sequence

import numpy as np


def choose_bucket_lengths(lengths: Sequence[int], num_buckets: int, grid: int) -> list[int]:
    """Choose the lengths to pad to that make the least padding.

    Args:
        lengths: samples of each utterance.
        num_buckets: how many different lengths there may be.
        grid: samples; lengths are rounded up to a multiple of it first, which keeps the choice the same
            for corpora (and splits of one) that differ a little.

    Returns:
        Ascending multiples of `grid`, at most `num_buckets`; the last holds the longest utterance.

    Examples:

        choose_bucket_lengths([9_000, 10_000, 60_000], num_buckets=2, grid=8_000)   # [16_000, 64_000]
    """
    candidates, counts = np.unique(-(-np.asarray(lengths) // grid), return_counts=True)
    cumulative = np.concatenate([[0], np.cumsum(counts)])
    # best[k][j]: least total length of the utterances up to candidate j in k + 1 buckets, the last of which
    # is candidates[j]; exact, by dynamic programming over a few dozen candidates.
    best = [[int(candidates[j] * cumulative[j + 1]) for j in range(len(candidates))]]
    previous: list[list[int]] = []
    for _ in range(1, min(num_buckets, len(candidates))):
        totals, origins = [], []
        for j in range(len(candidates)):
            options = [
                (best[-1][i] + int(candidates[j] * (cumulative[j + 1] - cumulative[i + 1])), i)
                for i in range(j)
            ]
            total, origin = min(options, default=(best[-1][j], j))
            totals.append(total)
            origins.append(origin)
        best.append(totals)
        previous.append(origins)
    chosen = [len(candidates) - 1]
    for origins in reversed(previous):
        chosen.append(origins[chosen[-1]])
    return [int(candidates[j]) * grid for j in sorted(set(chosen))]


def bucket_of(lengths: Sequence[int], bucket_lengths: Sequence[int]) -> np.ndarray:
    """Index of the shortest bucket that holds each utterance, int array (utterances,)."""
    return np.searchsorted(np.asarray(bucket_lengths), np.asarray(lengths), side="left")
