"""Measures of models that give an utterance any number of labels, and the report of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError
from kser.evaluation.intervals import multi_label_intervals
from kser.evaluation.multi_label_measures import labels_by_speaker
from kser.evaluation.speaker_bootstrap import LEVEL, RESAMPLES
from kser.evaluation.subgroups import GroupArray, multi_label_subgroups

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
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
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
        resamples: of the bootstrap over speakers.
        level: of the intervals.
        seed: of all draws: the same arguments give the same report.

    Returns:
        A dictionary with

        - `n`, utterances;
        - `macro_f1`: mean F1 of the labels, without those that neither occur nor are given; `micro_f1`: F1 of
          all decisions together; `subset_accuracy`: share of utterances whose labels are all right;
          `hamming_loss`: share of decisions that are wrong (Tsoumakas, Katakis & Vlahavas, "Mining
          multi-label data", 2010);
        - `macro_auc` and `mean_average_precision`: means over the labels for which they are defined;
        - `decisions`: `threshold`, `labels_per_utterance` and `labels_per_utterance_predicted`;
        - `per_label`: a list, in the order of `labels`, of `label`, `precision`, `recall`, `f1`, `auc` (area
          under the ROC curve), `average_precision`, `support` (utterances that truly have the label) and
          `predicted` (that were given it). A measure with nothing to divide by is `None`: so are `auc` of a
          label that all or no utterances have, and `average_precision` of one that none has;
        - `labels_without_samples`: labels that no utterance has;
        - `intervals`, when there are speakers: see `kser.evaluation.intervals.multi_label_intervals`;
        - `subgroups` and `subgroup_tests`, when there are groups: by column what
          `kser.evaluation.subgroups.multi_label_subgroups` gives.

    Raises:
        UserError: there is no utterance.
        ValueError: arrays do not fit together or hold other values, or `groups` come without `speakers`.
    """
    true, known = _checked(y_true, probabilities, labels)
    given = known >= threshold
    report = _point_estimates(true, given, labels)
    report["per_label"] = _per_label(true, given, known, labels)
    for name, of_label in (("macro_auc", "auc"), ("mean_average_precision", "average_precision")):
        defined = [entry[of_label] for entry in report["per_label"] if entry[of_label] is not None]
        report[name] = float(np.mean(defined)) if defined else None
    report["decisions"] = {
        "threshold": threshold,
        "labels_per_utterance": float(true.sum(axis=1).mean()),
        "labels_per_utterance_predicted": float(given.sum(axis=1).mean()),
    }
    report["labels_without_samples"] = [of["label"] for of in report["per_label"] if not of["support"]]
    outcome: dict[str, Any] = {"y_true": true, "y_pred": given, "labels": labels, "speakers": speakers}
    outcome |= {"resamples": resamples, "level": level, "seed": seed}
    if speakers is not None:
        report["intervals"] = multi_label_intervals(**outcome)
    if groups is not None:
        if speakers is None:
            raise ValueError("groups need speakers: utterances of one speaker are not independent")
        report["subgroups"], report["subgroup_tests"] = {}, {}
        for column, values in groups.items():
            found = multi_label_subgroups(**outcome, groups=values)
            report["subgroups"][column], report["subgroup_tests"][column] = found
    return report


def _point_estimates(true: np.ndarray, given: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    whole = labels_by_speaker(true, given, np.zeros(len(true), dtype=np.int64), 1, labels).estimates
    return {
        "n": len(true),
        **{name: _number_or_none(value) for name, value in whole.items() if not name.startswith("f1_")},
    }


def _per_label(
    true: np.ndarray, given: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]
) -> list[dict[str, Any]]:
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        true, given, zero_division=np.nan, labels=range(len(labels))
    )
    return [
        {
            "label": label,
            "precision": _number_or_none(precision[i]),
            "recall": _number_or_none(recall[i]),
            "f1": _number_or_none(f1[i]),
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
        raise ValueError("y_true must hold 0 and 1 alone")
    if not ((known >= 0) & (known <= 1)).all():
        raise ValueError("probabilities must be from 0 to 1")
    return true.astype(bool), known


def _number_or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else float(value)
