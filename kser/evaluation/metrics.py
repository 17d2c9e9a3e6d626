"""What an evaluation of classes says: measures, the confusion matrix, and the report in numbers.

Every function takes `y_true` and `y_pred` (one label an utterance: strings or integers) and `labels`, all
labels of the model in its order. An utterance whose true label the model does not know cannot be judged: the
measures leave it out, and the confusion matrix and the report name and count it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn_metrics

from kser.evaluation.calibration import calibration_report
from kser.evaluation.class_measures import UAR, class_outcome
from kser.evaluation.labels import Codes, Label, LabelArray, encode
from kser.evaluation.measures import number_or_none
from kser.evaluation.over_speakers import GroupArray, interval_entries, subgroup_entries
from kser.evaluation.speaker_bootstrap import RESAMPLING, Resampling

TOP_CONFUSIONS = 5
"""How many confusions a report lists."""


def class_measures(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> dict[str, float]:
    """All measures of `kser.evaluation.class_measures.CLASS_MEASURES` by name, such as `uar` and `wa`.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    return class_outcome(encode(y_true, y_pred, labels)).estimates


def confusion_matrix(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> pd.DataFrame:
    """Count the utterances of each true label by predicted label.

    Returns:
        A table of counts: rows are true labels, columns are predicted labels, both in the order of `labels`
        and with every label, also one without samples. True labels that the model does not know follow as
        rows of their own, in the order in which they appear.
    """
    codes = encode(y_true, y_pred, labels)
    rows = [*codes.labels, *codes.unknown]
    counts = np.zeros((len(rows), len(codes.labels)), dtype=np.int64)
    np.add.at(counts, (codes.true, codes.pred), 1)
    return pd.DataFrame(
        counts,
        index=pd.Index(rows, name="true", dtype=object),
        columns=pd.Index(codes.labels, name="predicted", dtype=object),
    )


def row_shares(matrix: pd.DataFrame) -> pd.DataFrame:
    """A confusion matrix with each row divided by its sum: of a true class, the share given each answer.

    Args:
        matrix: counts, as `confusion_matrix` gives them.

    Returns:
        The same labels, floats; NaN in the row of a label without samples.
    """
    totals = matrix.sum(axis=1)
    return matrix.div(totals.where(totals > 0), axis=0)


def top_confusions(
    *, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label], most: int | None = TOP_CONFUSIONS
) -> list[tuple[Label, Label, int, float]]:
    """The most frequent mistakes.

    Args:
        y_true: one label an utterance; those that the model does not know are left out.
        y_pred: one label an utterance.
        labels: all labels of the model.
        most: how many at most; `None` means all.

    Returns:
        `(true, predicted, count, share)`, where the share is that of the true label's utterances; most
        frequent first, then those of the larger share, then in the order of `labels`.
    """
    codes = encode(y_true, y_pred, labels)
    counts = confusion_matrix(y_true=y_true, y_pred=y_pred, labels=labels).to_numpy()[: len(codes.labels)]
    confusions = [
        (codes.labels[i], codes.labels[j], int(counts[i, j]), float(counts[i, j] / counts[i].sum()))
        for i, j in np.argwhere(counts)
        if i != j
    ]
    return sorted(confusions, key=lambda entry: (-entry[2], -entry[3]))[:most]


def classification_report(
    *,
    y_true: LabelArray,
    y_pred: LabelArray,
    labels: Sequence[Label],
    speakers: GroupArray | None = None,
    probabilities: np.ndarray | None = None,
    groups: Mapping[str, GroupArray] | None = None,
    resampling: Resampling = RESAMPLING,
) -> dict[str, Any]:
    """Everything that an evaluation says in numbers, ready for JSON.

    Args:
        y_true: one label an utterance.
        y_pred: one label an utterance.
        labels: all labels of the model, in its order.
        speakers: one speaker an utterance; with them come confidence intervals.
        probabilities: float (utterances, labels), rows that sum to 1; with them comes calibration.
        groups: by name of a column ("gender"), one value an utterance; with them (and `speakers`) come the
            measures of each group and the tests of their differences.
        resampling: of the intervals and tests; the same arguments give the same report.

    Returns:
        A dictionary with

        - `n`: utterances behind the measures; `n_excluded`: those left out, as the model lacks their label;
        - `uar`, `wa`, `macro_f1`, `weighted_f1`, `mcc`: see `kser.evaluation.class_measures`;
        - `per_label`: a list, in the order of `labels`, of `label`, `precision`, `recall`, `f1` and `support`
          (how many utterances truly have the label). A measure with nothing to divide by is `None`: the
          recall of a label without samples, the precision of one that is never predicted;
        - `labels_without_samples`: labels that the model knows and the corpus lacks;
        - `labels_unknown_to_model`: a list of `label` and `support` that the corpus has and the model lacks;
        - `top_confusions`: a list of `true`, `predicted`, `count` and `share`, see `top_confusions`;
        - `intervals`, when there are speakers: see `kser.evaluation.speaker_bootstrap.speaker_intervals`;
        - `calibration`, when there are probabilities: see `kser.evaluation.calibration.calibration_report`;
        - `subgroups` and `subgroup_tests`, when there are groups: by column what
          `kser.evaluation.over_speakers.compare_subgroups` gives.

    Raises:
        UserError: no utterance has a label that the model knows.
        ValueError: arrays do not fit together, or `groups` come without `speakers`.
    """
    codes = encode(y_true, y_pred, labels)
    known, outcome = codes.known(), class_outcome(codes)
    per_label = _per_label(known)
    report = {
        "n": len(known.true),
        "n_excluded": len(codes.true) - len(known.true),
        **outcome.estimates,
        "per_label": per_label,
        "labels_without_samples": [entry["label"] for entry in per_label if entry["support"] == 0],
        "labels_unknown_to_model": [
            {"label": label, "support": support} for label, support in codes.unknown.items()
        ],
        "top_confusions": [
            dict(zip(("true", "predicted", "count", "share"), confusion, strict=True))
            for confusion in top_confusions(y_true=y_true, y_pred=y_pred, labels=labels)
        ],
        **interval_entries(outcome, speakers, resampling),
    }
    if probabilities is not None:
        report["calibration"] = calibration_report(y_true=y_true, probabilities=probabilities, labels=labels)
    return report | subgroup_entries(outcome, UAR.name, speakers, groups, resampling)


def _per_label(known: Codes) -> list[dict[str, Any]]:
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        known.true, known.pred, labels=range(len(known.labels)), zero_division=np.nan
    )
    return [
        {
            "label": label,
            "precision": number_or_none(precision[i]),
            "recall": number_or_none(recall[i]),
            "f1": number_or_none(f1[i]),
            "support": int(support[i]),
        }
        for i, label in enumerate(known.labels)
    ]
