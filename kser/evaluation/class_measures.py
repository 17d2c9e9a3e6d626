"""Measures of a classification, computed from confusion matrices, any number of them at once.

A further measure is a function of `ClassCounts` and a line in `CLASS_MEASURES`: reports, intervals, groups of
speakers, statistics and the report page take it from there.
"""

from typing import NamedTuple

import numpy as np

from kser.evaluation.labels import Codes
from kser.evaluation.measures import Measure, computed
from kser.evaluation.outcomes import Outcome
from kser.evaluation.shares import mean_of_defined, share


class ClassCounts(NamedTuple):
    """Counts of confusion matrices (…, classes, classes), rows true and columns predicted classes.

    Attributes:
        matrix: the matrices.
        right: utterances of each class that were recognised, (…, classes).
        support: utterances of each class, (…, classes).
        predicted: utterances that were taken for each class, (…, classes).
        total: utterances, (…).
    """

    matrix: np.ndarray
    right: np.ndarray
    support: np.ndarray
    predicted: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> "ClassCounts":
        """The counts of confusion matrices."""
        support = matrix.sum(axis=-1)
        right = np.diagonal(matrix, axis1=-2, axis2=-1)
        return cls(matrix, right, support, matrix.sum(axis=-2), support.sum(axis=-1))

    @property
    def f1(self) -> np.ndarray:
        """F1 of each class; NaN for one that neither occurs nor is predicted."""
        return share(2 * self.right, self.support + self.predicted)


def unweighted_average_recall(counts: ClassCounts) -> np.ndarray:
    """Unweighted average recall (UAR), also called unweighted accuracy (UA).

    The mean of the recalls over the classes that occur, which is the convention of
    `sklearn.metrics.balanced_accuracy_score`: a class without samples has no recall and does not count.
    The measure of the INTERSPEECH challenges (Schuller, Steidl & Batliner, "The INTERSPEECH 2009 Emotion
    Challenge", 2009), where class sizes differ widely.
    """
    return mean_of_defined(share(counts.right, counts.support))


def weighted_accuracy(counts: ClassCounts) -> np.ndarray:
    """Weighted accuracy (WA): the share of utterances with the right label, that is, plain accuracy.

    "Weighted" is the word of the field: each class's recall weighs by its number of samples.
    """
    return share(counts.right.sum(axis=-1), counts.total)


def macro_f1(counts: ClassCounts) -> np.ndarray:
    """The mean of the F1 scores over the classes that occur or are predicted.

    scikit-learn's convention for `average="macro"`: the mean of the F1 scores, not the F1 of the mean
    precision and recall (Opitz & Burst, "Macro F1 and Macro F1", arXiv:1911.03347).
    """
    return mean_of_defined(counts.f1)


def weighted_f1(counts: ClassCounts) -> np.ndarray:
    """The mean of the F1 scores, each class weighing by its number of samples."""
    return share((np.nan_to_num(counts.f1) * counts.support).sum(axis=-1), counts.total)


def matthews_correlation(counts: ClassCounts) -> np.ndarray:
    """Matthews correlation coefficient (MCC) of several classes, from −1 to 1; 0 is chance.

    scikit-learn's convention: 0 also where one class is all that occurs or all that is predicted (Gorodkin,
    "Comparing two K-category assignments by a K-category correlation coefficient", 2004).
    """
    total = counts.total
    covariance = counts.right.sum(axis=-1) * total - (counts.support * counts.predicted).sum(axis=-1)
    squares = (total**2 - (counts.support**2).sum(axis=-1)) * (total**2 - (counts.predicted**2).sum(axis=-1))
    correlation = np.nan_to_num(share(covariance, np.sqrt(squares)))
    return np.where(total > 0, correlation, np.nan)


UAR = Measure("uar", "UAR", unweighted_average_recall)
WA = Measure("wa", "WA", weighted_accuracy)
MACRO_F1 = Measure("macro_f1", "macro F1", macro_f1)
WEIGHTED_F1 = Measure("weighted_f1", "weighted F1", weighted_f1)
MCC = Measure("mcc", "MCC", matthews_correlation, bounds=(-1.0, 1.0))

CLASS_MEASURES = (UAR, WA, MACRO_F1, WEIGHTED_F1, MCC)
"""All measures of a classification, in the order of a report; the first decides."""


def measures_of_matrices(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """All measures of confusion matrices (…, classes, classes) by name, each (…); NaN for an empty one."""
    return computed(CLASS_MEASURES, ClassCounts.of(matrices))


def class_outcome(codes: Codes) -> Outcome:
    """What each utterance adds to the confusion matrix.

    Args:
        codes: true and predicted classes; utterances of a class that the model does not know do not count.
    """
    known, n_classes = codes.known(), len(codes.labels)
    one_hot = np.eye(n_classes)
    cells = one_hot[known.true][:, :, None] * one_hot[known.pred][:, None, :]

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        return measures_of_matrices(sums.reshape(*sums.shape[:-1], n_classes, n_classes))

    return Outcome(
        entries=cells.reshape(len(cells), -1),
        measures=measures,
        counted=codes.judgeable,
        labels=codes.labels,
        has_label=one_hot[known.true] > 0,
        label_of_entry=np.repeat(np.arange(n_classes), n_classes),
    )
