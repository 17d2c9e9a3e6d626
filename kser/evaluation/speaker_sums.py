"""What each speaker adds to the sums behind the measures, so that drawing speakers again is one product.

A confusion matrix is a sum over utterances, and so are the moments behind CCC, MSE and Pearson's r. Kept per
speaker, any choice of speakers (with repetition, or as two groups) is a row of weights, and thousands of
choices are one product of matrices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

Measures = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class SpeakerSums:
    """Sums by speaker.

    Attributes:
        sums: float64 (speakers, entries); what each speaker adds.
        measures: takes sums (…, entries) and gives each measure by its name as an array (…); NaN where a
            measure is not defined.
    """

    sums: np.ndarray
    measures: Measures

    @property
    def n_speakers(self) -> int:
        return len(self.sums)

    @property
    def present(self) -> np.ndarray:
        """bool (speakers,): who adds anything."""
        return np.asarray(self.sums.any(axis=1))

    @property
    def estimates(self) -> dict[str, float]:
        """The measures over all speakers."""
        return {name: float(value) for name, value in self.measures(self.sums.sum(axis=0)).items()}

    def choice(self, chosen: np.ndarray) -> "SpeakerSums":
        """Some of the speakers; `chosen` is bool or indices (speakers,)."""
        return replace(self, sums=self.sums[chosen])

    def only(self, kept: np.ndarray) -> "SpeakerSums":
        """The same speakers with some of the entries, bool (entries,); the others are 0."""
        return replace(self, sums=self.sums * kept)


def sum_by_speaker(entries: np.ndarray, speakers: np.ndarray, n_speakers: int) -> np.ndarray:
    """Add up utterances.

    Args:
        entries: (utterances, entries).
        speakers: int (utterances,), each below `n_speakers`.
        n_speakers: rows of the result.

    Returns:
        float64 (n_speakers, entries).
    """
    sums = np.zeros((n_speakers, entries.shape[1]))
    np.add.at(sums, speakers, entries)
    return sums


def speaker_codes(speakers: Sequence[object] | np.ndarray | pd.Series, n: int) -> np.ndarray:
    """Speakers as indices 0, 1, … in the order of their names, the same in any order of the utterances.

    Args:
        speakers: one name an utterance.
        n: the number of utterances.

    Raises:
        ValueError: their number is not `n`, or one is missing.
    """
    names = pd.Series(list(speakers), dtype=object)
    if len(names) != n:
        raise ValueError(f"speakers has {len(names)} names but there are {n} utterances")
    if names.isna().any():
        raise ValueError(f"speakers: no name in row {int(names.isna().to_numpy().argmax())}")
    return np.unique(names.astype(str).to_numpy(dtype=str), return_inverse=True)[1]


def drawn_sums(sums: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The sums of drawn speakers.

    Args:
        sums: (speakers, entries).
        drawn: indices of speakers (…, draws), with repetition.

    Returns:
        float64 (…, entries).
    """
    flat = drawn.reshape(-1, drawn.shape[-1]).astype(np.int64)
    cells = flat + np.arange(len(flat))[:, None] * len(sums)
    weights = np.bincount(cells.ravel(), minlength=len(flat) * len(sums)).reshape(len(flat), len(sums))
    return (weights @ sums).reshape(*drawn.shape[:-1], sums.shape[1])
