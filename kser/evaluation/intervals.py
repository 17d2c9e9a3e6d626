"""Confidence intervals of an evaluation's measures, over speakers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kser.evaluation.confusion_measures import counts_by_speaker
from kser.evaluation.labels import Label, LabelArray, encode
from kser.evaluation.multi_label_measures import labels_by_speaker
from kser.evaluation.regression_measures import centre_of, moments_by_speaker
from kser.evaluation.speaker_bootstrap import LEVEL, RESAMPLES, speaker_intervals
from kser.evaluation.speaker_sums import speaker_codes
from kser.evaluation.subgroups import GroupArray


def classification_intervals(
    *,
    y_true: LabelArray,
    y_pred: LabelArray,
    labels: Sequence[Label],
    speakers: GroupArray,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Any]:
    """Intervals of UAR, WA, macro-F1, weighted F1 and MCC by the bootstrap over speakers.

    A resample may lack a class; its UAR is then the mean of the recalls that there are.

    Args:
        y_true: one label an utterance.
        y_pred: one label an utterance.
        labels: all labels of the model. Utterances whose true label is none of them are left out.
        speakers: one speaker an utterance.
        resamples: how many times speakers are drawn with replacement.
        level: of the intervals.
        seed: of the draws; the order of the utterances does not matter.

    Returns:
        See `kser.evaluation.speaker_bootstrap.speaker_intervals`.
    """
    codes = encode(y_true, y_pred, labels)
    keep, speaker = codes.judgeable, speaker_codes(speakers, len(codes.true))
    sums = counts_by_speaker(
        codes.true[keep], codes.pred[keep], speaker[keep], int(speaker.max(initial=-1)) + 1, len(codes.labels)
    )
    return speaker_intervals(sums, resamples=resamples, level=level, seed=seed)


def regression_intervals(
    *,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    targets: Sequence[str],
    speakers: GroupArray,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Any]:
    """Intervals of CCC, MSE and Pearson's r, per target and their means, by the bootstrap over speakers.

    Args:
        y_true: float (utterances, targets); NaN for no value.
        y_pred: float (utterances, targets).
        targets: their names.
        speakers: one speaker an utterance.
        resamples: how many times speakers are drawn with replacement.
        level: of the intervals.
        seed: of the draws; the order of the utterances does not matter.

    Returns:
        See `kser.evaluation.speaker_bootstrap.speaker_intervals`; measures are `ccc`, `mse`, `pearson` (means
        over the targets) and `ccc_TARGET`, `mse_TARGET`, `pearson_TARGET`.
    """
    speaker = speaker_codes(speakers, len(y_true))
    sums = moments_by_speaker(
        y_true, y_pred, speaker, int(speaker.max(initial=-1)) + 1, targets, centre_of(y_true)
    )
    return speaker_intervals(sums, resamples=resamples, level=level, seed=seed)


def multi_label_intervals(
    *,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    labels: Sequence[str],
    speakers: GroupArray,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Any]:
    """Intervals of macro-F1, micro-F1, subset accuracy, Hamming loss and each label's F1, over speakers.

    Args:
        y_true: bool (utterances, labels).
        y_pred: bool (utterances, labels).
        labels: their names.
        speakers: one speaker an utterance.
        resamples: how many times speakers are drawn with replacement.
        level: of the intervals.
        seed: of the draws; the order of the utterances does not matter.

    Returns:
        See `kser.evaluation.speaker_bootstrap.speaker_intervals`; measures as
        `kser.evaluation.multi_label_measures.measures_of_label_counts` has them.
    """
    speaker = speaker_codes(speakers, len(y_true))
    sums = labels_by_speaker(y_true, y_pred, speaker, int(speaker.max(initial=-1)) + 1, labels)
    return speaker_intervals(sums, resamples=resamples, level=level, seed=seed)
