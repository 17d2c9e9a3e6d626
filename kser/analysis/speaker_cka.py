"""CKA between speakers: what two representations share beyond the voices that happened to be recorded.

Utterances of one speaker are not independent. Two representations that hold voices in unrelated ways have a
debiased CKA far above 0 for a corpus of ten speakers, only because the same utterances lie together in both.
Here every mean that HSIC is made of (see `kser.analysis.cka.hsic`) is taken over different speakers, each of
whom counts alike. With one utterance a speaker it is debiased CKA.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kser.analysis.cka import aligned
from kser.analysis.folds import group_codes
from kser.analysis.vectors import centred, checked_pair, narrow
from kser.errors import UserError

# HSIC is a mean over four different speakers.
_FEWEST = 4


def speaker_cka(
    first: ArrayLike, second: ArrayLike, speakers: ArrayLike | Sequence[object] | pd.Series
) -> float:
    """Debiased linear CKA of utterances of different speakers.

    It estimates what a corpus of very many speakers would give, with HSIC unbiased for any number of them;
    how far `kser.analysis.cka.linear_cka` is from that with few: eval/results/2026-11-28_speaker_bands.md. Of
    more utterances than channels, memory does not grow with their number.

    Args:
        first: (utterances, channels).
        second: (utterances, other channels), the same utterances in the same order.
        speakers: one an utterance.

    Returns:
        1 for equal arrangements, around 0 for unrelated ones; by chance it may lie below −1 or above 1. NaN
        where one of both shows no more than chance in which utterances lie together.

    Raises:
        ValueError: arrays do not fit together.
        UserError: fewer than 4 speakers, a name that is missing, values that are not finite, equal vectors
            only.
    """
    pair = checked_pair(first, second, _FEWEST)
    codes = group_codes(speakers, len(pair[0]), "speakers")
    if (n_speakers := int(codes.max()) + 1) < _FEWEST:
        raise UserError(f"speakers: {n_speakers} are too few, at least {_FEWEST} are needed")
    return float(aligned(*hsic_between_speakers(pair, codes))[0, 1])


def hsic_between_speakers(arrays: Sequence[np.ndarray], codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unbiased HSIC of inner products, of each two of k representations: E K₁₂L₁₂ + E K₁₂L₃₄ − 2 E K₁₂L₁₃.

    The numbers stand for utterances of different speakers, drawn at random, and then one of the speaker's.

    Args:
        arrays: (n, channels) each, as `kser.analysis.vectors.checked` gives them.
        codes: int (n,), the speakers, 0, 1, … without a gap, at least 4.

    Returns:
        float64 (k, k); and (k,), the mean square of the inner products, which is the scale of rounding.
    """
    rows_of = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    s = len(rows_of)
    arrays = [narrow(centred(array)) if array.shape[1] > len(codes) else array for array in arrays]
    # (speakers, channels); with speakers' means centred, rounding is small, and each sum of a row is 0.
    means = [np.stack([array[rows].mean(axis=0, dtype=np.float64) for rows in rows_of]) for array in arrays]
    centres = [mean.mean(axis=0) for mean in means]
    means = [mean - centre for mean, centre in zip(means, centres, strict=True)]
    pairs, triples = _sums_over_utterances(arrays, rows_of, means, centres)
    blocks = np.stack([mean @ mean.T for mean in means])
    blocks[:, range(s), range(s)] = 0.0
    totals = blocks.sum(axis=(1, 2))
    # Of sums over all speakers, what is left when those are taken away in which two are the same.
    of_four = np.outer(totals, totals) - 4 * _products(blocks.sum(axis=2)) + 2 * _products(blocks)
    two, three = s * (s - 1), s * (s - 1) * (s - 2)
    return (
        pairs / two + of_four / (three * (s - 3)) - 2 * triples / three,
        np.diagonal(pairs) / two,
    )


def _sums_over_utterances(
    arrays: Sequence[np.ndarray],
    rows_of: Sequence[np.ndarray],
    means: Sequence[np.ndarray],
    centres: Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """The sums behind E K₁₂L₁₂ and E K₁₂L₁₃, each (k, k)."""
    k = len(arrays)
    crossed = {
        (i, j): np.zeros((means[i].shape[1], means[j].shape[1])) for i in range(k) for j in range(i, k)
    }
    same, of_rows, of_cells = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    for speaker, rows in enumerate(rows_of):
        parts = [
            array[rows].astype(np.float64) - centre for array, centre in zip(arrays, centres, strict=True)
        ]
        for i, j in crossed:
            product = parts[i].T @ parts[j] / len(rows)
            crossed[i, j] += product
            same[i, j] += np.vdot(product, product)
        # Of each utterance, the mean inner product with every other speaker's.
        cells = np.stack([part @ mean.T for part, mean in zip(parts, means, strict=True)])
        cells[:, :, speaker] = 0.0
        of_rows += _products(cells.sum(axis=2)) / len(rows)
        of_cells += _products(cells) / len(rows)
    pairs = np.empty((k, k))
    for (i, j), total in crossed.items():
        # Σ (x·x')(y·y') over all utterances, less that within speakers.
        pairs[i, j] = pairs[j, i] = np.vdot(total, total) - same[i, j]
    return pairs, of_rows - of_cells


def _products(values: np.ndarray) -> np.ndarray:
    """(k, k), the inner products of each two of k arrays (k, …)."""
    flat = values.reshape(len(values), -1)
    return flat @ flat.T
