"""Measures of any number of labels an utterance, computed from counts, any number of them at once.

Their definitions are those of Tsoumakas, Katakis & Vlahavas, "Mining multi-label data", 2010.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kser.evaluation.measures import Measure, computed
from kser.evaluation.outcomes import Outcome
from kser.evaluation.shares import mean_of_defined, share

_COUNTS = 3  # of each label: utterances rightly given it, that truly have it, that were given it


class LabelCounts(NamedTuple):
    """Counts of decisions.

    Attributes:
        right: utterances rightly given each label, (…, labels).
        support: utterances that truly have it, (…, labels).
        predicted: utterances that were given it, (…, labels).
        all_right: utterances whose labels are all right, (…).
        n: utterances, (…).
    """

    right: np.ndarray
    support: np.ndarray
    predicted: np.ndarray
    all_right: np.ndarray
    n: np.ndarray

    @property
    def f1(self) -> np.ndarray:
        """F1 of each label; NaN for one that neither occurs nor is given."""
        return share(2 * self.right, self.support + self.predicted)


def macro_f1(counts: LabelCounts) -> np.ndarray:
    """The mean F1 of the labels, without those that neither occur nor are given."""
    return mean_of_defined(counts.f1)


def micro_f1(counts: LabelCounts) -> np.ndarray:
    """F1 of all decisions together."""
    return share(2 * counts.right.sum(axis=-1), (counts.support + counts.predicted).sum(axis=-1))


def subset_accuracy(counts: LabelCounts) -> np.ndarray:
    """The share of utterances whose labels are all right."""
    return share(counts.all_right, counts.n)


def hamming_loss(counts: LabelCounts) -> np.ndarray:
    """The share of decisions that are wrong."""
    wrong = (counts.support + counts.predicted - 2 * counts.right).sum(axis=-1)
    return share(wrong, counts.n * counts.right.shape[-1])


MACRO_F1 = Measure("macro_f1", "macro F1", macro_f1)
MICRO_F1 = Measure("micro_f1", "micro F1", micro_f1)
SUBSET_ACCURACY = Measure("subset_accuracy", "subset accuracy", subset_accuracy)
HAMMING_LOSS = Measure("hamming_loss", "Hamming loss", hamming_loss, higher_is_better=False)
MACRO_AUC = Measure("macro_auc", "macro AUC")
MEAN_AVERAGE_PRECISION = Measure("mean_average_precision", "mean average precision")

MULTI_LABEL_MEASURES = (
    *(MACRO_F1, MICRO_F1, MACRO_AUC, MEAN_AVERAGE_PRECISION),
    *(SUBSET_ACCURACY, HAMMING_LOSS),
)
"""All measures of labels; the first decides."""

PRECISION = Measure("precision", "precision")
RECALL = Measure("recall", "recall")
F1 = Measure("f1", "F1")
AUC = Measure("auc", "AUC")
AVERAGE_PRECISION = Measure("average_precision", "average precision")

LABEL_MEASURES = (PRECISION, RECALL, F1, AUC, AVERAGE_PRECISION)
"""The measures of one label."""


def multi_label_outcome(true: np.ndarray, pred: np.ndarray, labels: Sequence[str]) -> Outcome:
    """What each utterance adds to the counts.

    Args:
        true: bool (utterances, labels).
        pred: bool (utterances, labels).
        labels: their names.

    Returns:
        An outcome whose measures are those of `MULTI_LABEL_MEASURES` that follow from counts, and `f1_LABEL`.
    """
    counts = np.stack([true & pred, true, pred], axis=-1).reshape(len(true), -1)
    all_right = (true == pred).all(axis=1, keepdims=True)
    entries = np.concatenate([counts, all_right, np.ones_like(all_right)], axis=1).astype(float)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        by_label = sums[..., :-2].reshape(*sums.shape[:-1], len(labels), _COUNTS)
        right, support, predicted = np.moveaxis(by_label, -1, 0)
        found = LabelCounts(right, support, predicted, all_right=sums[..., -2], n=sums[..., -1])
        return computed(MULTI_LABEL_MEASURES, found) | {
            f"f1_{label}": found.f1[..., number] for number, label in enumerate(labels)
        }

    return Outcome(
        entries=entries,
        measures=measures,
        counted=np.ones(len(true), dtype=bool),
        labels=labels,
        has_label=true,
        label_of_entry=np.append(np.repeat(np.arange(len(labels)), _COUNTS), [-1, -1]),
    )
