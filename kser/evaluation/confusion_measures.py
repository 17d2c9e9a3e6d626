"""Measures straight from confusion matrices, any number of them at once.

They are those of `kser.evaluation.metrics`, which scikit-learn computes from labels (a test holds the two
together); resampling needs thousands.
"""

import numpy as np

from kser.evaluation.shares import mean_of_defined, share
from kser.evaluation.speaker_sums import SpeakerSums, sum_by_speaker

CLASSIFICATION_MEASURES = ("uar", "wa", "macro_f1", "weighted_f1", "mcc")
"""Names of the measures, in the order of a report."""


def measures_of_counts(counts: np.ndarray) -> dict[str, np.ndarray]:
    """UAR, WA, macro-F1, weighted F1 and MCC of confusion matrices.

    Args:
        counts: (…, classes, classes); rows are true, columns predicted classes.

    Returns:
        `CLASSIFICATION_MEASURES` by name, each (…). UAR leaves out classes without samples, macro-F1 those
        that neither occur nor are predicted. NaN where a matrix is empty.
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    support, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    total = support.sum(axis=-1)
    f1 = share(2 * right, support + predicted)
    return {
        "uar": mean_of_defined(share(right, support)),
        "wa": share(right.sum(axis=-1), total),
        "macro_f1": mean_of_defined(f1),
        "weighted_f1": share((np.nan_to_num(f1) * support).sum(axis=-1), total),
        "mcc": _matthews(right, support, predicted, total),
    }


def counts_by_speaker(
    true: np.ndarray, pred: np.ndarray, speakers: np.ndarray, n_speakers: int, n_classes: int
) -> SpeakerSums:
    """The confusion matrix of each speaker, flat, with the measures that follow from it.

    Args:
        true: int (utterances,), classes.
        pred: int (utterances,), classes.
        speakers: int (utterances,).
        n_speakers: speakers; one without an utterance here adds nothing.
        n_classes: classes that the model knows.
    """
    cells = np.zeros((len(true), n_classes * n_classes))
    cells[np.arange(len(true)), true * n_classes + pred] = 1.0

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        return measures_of_counts(sums.reshape(*sums.shape[:-1], n_classes, n_classes))

    return SpeakerSums(sum_by_speaker(cells, speakers, n_speakers), measures)


def _matthews(right: np.ndarray, support: np.ndarray, predicted: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The correlation of K classes (Gorodkin, "Comparing two K-category assignments by a K-category
    correlation coefficient", 2004); 0, as in scikit-learn, when one class is all that occurs or all that is
    predicted.
    """
    covariance = right.sum(axis=-1) * total - (support * predicted).sum(axis=-1)
    squares = (total**2 - (support**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    correlation = np.nan_to_num(share(covariance, np.sqrt(squares)))
    return np.where(total > 0, correlation, np.nan)
