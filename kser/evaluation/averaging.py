"""One confusion matrix out of those of many seeds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from kser.evaluation.shares import share


class AveragedConfusion(NamedTuple):
    """Confusion matrices of several runs, averaged.

    Attributes:
        counts: mean counts.
        shares: mean of the rows' shares, each run's row normalised on its own: every run has the same
            weight. NaN in a row that has samples in no run.
        sd: standard deviation of these shares over the runs (of a sample, ddof = 1); NaN with one run.
        runs: how many matrices.
    """

    counts: pd.DataFrame
    shares: pd.DataFrame
    sd: pd.DataFrame
    runs: int


def average_confusions(matrices: Sequence[pd.DataFrame]) -> AveragedConfusion:
    """Average confusion matrices over seeds.

    Args:
        matrices: counts, rows true and columns predicted labels, as
            `kser.evaluation.metrics.confusion_matrix` gives them. A label that only some have counts as zeros
            in the others; a row without samples in a run says nothing about shares, so that run is left out
            of the row's mean and standard deviation.

    Returns:
        Tables with every label, in order of first appearance.

    Raises:
        ValueError: there is no matrix.
    """
    if not matrices:
        raise ValueError("no confusion matrix to average")
    rows = pd.Index(list(dict.fromkeys(label for m in matrices for label in m.index)), name="true")
    columns = pd.Index(list(dict.fromkeys(label for m in matrices for label in m.columns)), name="predicted")
    counts = np.stack(
        [m.reindex(index=rows, columns=columns, fill_value=0).to_numpy(dtype=float) for m in matrices]
    )
    shares = share(counts, counts.sum(axis=-1, keepdims=True))
    runs_with_samples = (~np.isnan(shares)).sum(axis=0)
    mean = share(np.nansum(shares, axis=0), runs_with_samples)
    squares = np.nansum((shares - mean) ** 2, axis=0)
    sd = np.sqrt(share(squares, runs_with_samples - 1))

    def table(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=rows, columns=columns)

    return AveragedConfusion(table(counts.mean(axis=0)), table(mean), table(sd), runs=len(matrices))
