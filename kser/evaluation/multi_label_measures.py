"""Measures of any number of labels an utterance, from counts, any number of them at once."""

from collections.abc import Sequence

import numpy as np

from kser.evaluation.shares import mean_of_defined, share
from kser.evaluation.speaker_sums import SpeakerSums, sum_by_speaker

MULTI_LABEL_MEASURES = ("macro_f1", "micro_f1", "subset_accuracy", "hamming_loss")
"""Names of the measures that follow from counts, in the order of a report."""

COUNTS_OF_LABEL = 3
"""Entries of each label: utterances rightly given it, that truly have it, that were given it."""


def labels_by_speaker(
    true: np.ndarray, pred: np.ndarray, speakers: np.ndarray, n_speakers: int, labels: Sequence[str]
) -> SpeakerSums:
    """The counts of each speaker, with the measures that follow from them.

    Args:
        true: bool (utterances, labels).
        pred: bool (utterances, labels).
        speakers: int (utterances,).
        n_speakers: speakers; one without an utterance here adds nothing.
        labels: their names.

    Returns:
        Sums over entries: `COUNTS_OF_LABEL` of each label, then utterances whose labels are all right, then
        utterances. Their measures are `MULTI_LABEL_MEASURES` and `f1_LABEL`.
    """
    counts = np.stack([true & pred, true, pred], axis=-1).reshape(len(true), -1)
    all_right = (true == pred).all(axis=1, keepdims=True)
    entries = np.concatenate([counts, all_right, np.ones_like(all_right)], axis=1).astype(float)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        return measures_of_label_counts(sums, labels)

    return SpeakerSums(sum_by_speaker(entries, speakers, n_speakers), measures)


def measures_of_label_counts(sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """F1 over all labels and of each, subset accuracy and Hamming loss.

    Args:
        sums: (…, entries), see `labels_by_speaker`.
        labels: their names.

    Returns:
        Each measure by name, (…). Macro-F1 leaves out labels that neither occur nor are predicted. NaN where
        there is nothing to divide by.
    """
    counts = sums[..., :-2].reshape(*sums.shape[:-1], len(labels), COUNTS_OF_LABEL)
    right, support, predicted = np.moveaxis(counts, -1, 0)
    n = sums[..., -1]
    f1 = share(2 * right, support + predicted)
    wrong = (support + predicted - 2 * right).sum(axis=-1)
    return {
        "macro_f1": mean_of_defined(f1),
        "micro_f1": share(2 * right.sum(axis=-1), (support + predicted).sum(axis=-1)),
        "subset_accuracy": share(sums[..., -2], n),
        "hamming_loss": share(wrong, n * len(labels)),
        **{f"f1_{label}": f1[..., number] for number, label in enumerate(labels)},
    }
