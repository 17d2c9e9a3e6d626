"""Measures of models that give an utterance any number of labels, and the report of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError
from kser.evaluation.measures import number_or_none
from kser.evaluation.multi_label_measures import (
    AUC,
    AVERAGE_PRECISION,
    MACRO_AUC,
    MACRO_F1,
    MEAN_AVERAGE_PRECISION,
    MULTI_LABEL_MEASURES,
    multi_label_outcome,
)
from kser.evaluation.over_speakers import GroupArray, interval_entries, subgroup_entries
from kser.evaluation.speaker_bootstrap import RESAMPLING, Resampling

THRESHOLD = 0.5
"""Probability from which a label counts as given: that of a logit of 0."""


def multi_label_report(
    *,
    y_true: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
    speakers: GroupArray | None = None,
    groups: Mapping[str, GroupArray] | None = None,
    threshold: float = THRESHOLD,
    resampling: Resampling = RESAMPLING,
) -> dict[str, Any]:
    """Everything that an evaluation says in numbers, ready for JSON.

    Args:
        y_true: 0 or 1 (utterances, labels).
        probabilities: float (utterances, labels), each label's on its own.
        labels: all labels of the model, in the order of the columns.
        speakers: one speaker an utterance; with them come confidence intervals.
        groups: by name of a column ("gender"), one value an utterance; with them (and `speakers`) come the
            measures of each group and the tests of their differences.
        threshold: a label is given from this probability on; ranking measures do not depend on it.
        resampling: of the intervals and tests; the same arguments give the same report.

    Returns:
        A dictionary with

        - `n`, utterances;
        - `macro_f1`, `micro_f1`, `subset_accuracy`, `hamming_loss`: see
          `kser.evaluation.multi_label_measures`;
        - `macro_auc` and `mean_average_precision`: means over the labels for which they are defined;
        - `decisions`: `threshold`, `labels_per_utterance` and `labels_per_utterance_predicted`;
        - `per_label`: a list, in the order of `labels`, of `label`, `precision`, `recall`, `f1`, `auc` (area
          under the ROC curve), `average_precision`, `support` (utterances that truly have the label) and
          `predicted` (that were given it). A measure with nothing to divide by is `None`: so are `auc` of a
          label that all or no utterances have, and `average_precision` of one that none has;
        - `labels_without_samples`: labels that no utterance has;
        - `intervals`, when there are speakers: see
          `kser.evaluation.speaker_bootstrap.speaker_intervals`;
        - `subgroups` and `subgroup_tests`, when there are groups: by column what
          `kser.evaluation.over_speakers.compare_subgroups` gives.

    Raises:
        UserError: there is no utterance.
        ValueError: arrays do not fit together or hold other values, or `groups` come without `speakers`.
    """
    true, known = _checked(y_true, probabilities, labels)
    given = known >= threshold
    outcome = multi_label_outcome(true, given, labels)
    per_label = _per_label(true, given, known, labels)
    report: dict[str, Any] = {"n": len(true)}
    report |= {
        name: number_or_none(value)
        for name, value in outcome.estimates.items()
        if name in {measure.name for measure in MULTI_LABEL_MEASURES}
    }
    report["per_label"] = per_label
    for measure, of_label in ((MACRO_AUC, AUC), (MEAN_AVERAGE_PRECISION, AVERAGE_PRECISION)):
        defined = [entry[of_label.name] for entry in per_label if entry[of_label.name] is not None]
        report[measure.name] = float(np.mean(defined)) if defined else None
    report["decisions"] = {
        "threshold": threshold,
        "labels_per_utterance": float(true.sum(axis=1).mean()),
        "labels_per_utterance_predicted": float(given.sum(axis=1).mean()),
    }
    report["labels_without_samples"] = [entry["label"] for entry in per_label if not entry["support"]]
    report |= interval_entries(outcome, speakers, resampling)
    return report | subgroup_entries(outcome, MACRO_F1.name, speakers, groups, resampling)


def _per_label(
    true: np.ndarray, given: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]
) -> list[dict[str, Any]]:
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        true, given, zero_division=np.nan, labels=range(len(labels))
    )
    return [
        {
            "label": label,
            "precision": number_or_none(precision[i]),
            "recall": number_or_none(recall[i]),
            "f1": number_or_none(f1[i]),
            **_ranking(true[:, i], probabilities[:, i]),
            "support": int(support[i]),
            "predicted": int(given[:, i].sum()),
        }
        for i, label in enumerate(labels)
    ]


def _ranking(true: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """How well the probabilities order the utterances."""
    both = true.any() and not true.all()
    return {
        "auc": float(sklearn_metrics.roc_auc_score(true, probabilities)) if both else None,
        "average_precision": float(sklearn_metrics.average_precision_score(true, probabilities))
        if true.any()
        else None,
    }


def _checked(
    y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Truth as bool, probabilities as float64, both (utterances, labels)."""
    true, known = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    shape = (len(true), len(labels))
    if true.shape != shape or known.shape != shape:
        raise ValueError(
            f"{len(labels)} labels, but y_true has the shape {true.shape} and probabilities {known.shape}"
        )
    if not len(true):
        raise UserError("nothing to evaluate: no utterance")
    if not np.isin(true, (0, 1)).all():
        raise ValueError("y_true must hold only 0 and 1")
    if not ((known >= 0) & (known <= 1)).all():
        raise ValueError("probabilities must be from 0 to 1")
    return true.astype(bool), known
