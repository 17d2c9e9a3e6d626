"""Classification measures of speech emotion recognition, and the report that an evaluation writes.

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
from kser.evaluation.confusion_measures import measures_of_counts
from kser.evaluation.intervals import classification_intervals
from kser.evaluation.labels import Codes, Label, LabelArray, encode
from kser.evaluation.speaker_bootstrap import LEVEL, RESAMPLES
from kser.evaluation.subgroups import GroupArray, classification_subgroups

TOP_CONFUSIONS = 5
"""How many confusions a report lists."""


def unweighted_average_recall(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """Unweighted average recall (UAR), also called unweighted accuracy (UA).

    The mean of the recalls over the classes that occur in `y_true`, which is the convention of
    `sklearn.metrics.balanced_accuracy_score`: a class without samples has no recall and does not count.
    The measure of the INTERSPEECH challenges (Schuller, Steidl & Batliner, "The INTERSPEECH 2009 Emotion
    Challenge", 2009), where class sizes differ widely.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = encode(y_true, y_pred, labels).known()
    return float(
        sklearn_metrics.recall_score(known.true, known.pred, labels=np.unique(known.true), average="macro")
    )


def weighted_accuracy(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """Weighted accuracy (WA): the share of utterances with the right label, that is, plain accuracy.

    "Weighted" is the word of the field: each class's recall weighs by its number of samples.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = encode(y_true, y_pred, labels).known()
    return float(sklearn_metrics.accuracy_score(known.true, known.pred))


def macro_f1(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """The mean of the F1 scores over the classes that occur in `y_true` or in `y_pred`.

    scikit-learn's convention for `average="macro"`: the mean of the F1 scores, not the F1 of the mean
    precision and recall (Opitz & Burst, "Macro F1 and Macro F1", arXiv:1911.03347).

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = encode(y_true, y_pred, labels).known()
    return float(sklearn_metrics.f1_score(known.true, known.pred, average="macro", zero_division=0.0))


def weighted_f1(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """The mean of the F1 scores, each class weighing by its number of samples.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = encode(y_true, y_pred, labels).known()
    return float(sklearn_metrics.f1_score(known.true, known.pred, average="weighted", zero_division=0.0))


def matthews_correlation(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """Matthews correlation coefficient (MCC) of several classes, from −1 to 1; 0 is chance.

    scikit-learn's convention: 0 also where one class is all that occurs or all that is predicted (Gorodkin,
    "Comparing two K-category assignments by a K-category correlation coefficient", 2004).

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = encode(y_true, y_pred, labels).known()
    counts = np.zeros((len(known.labels), len(known.labels)), dtype=np.int64)
    np.add.at(counts, (known.true, known.pred), 1)
    return float(measures_of_counts(counts)["mcc"])


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
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
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
        resamples: of the bootstrap over speakers.
        level: of the intervals.
        seed: of all draws: the same arguments give the same report.

    Returns:
        A dictionary with

        - `n`: utterances behind the measures; `n_excluded`: those left out, as the model lacks their label;
        - `uar`, `wa`, `macro_f1`, `weighted_f1`, `mcc`: as the functions of this module define them;
        - `per_label`: a list, in the order of `labels`, of `label`, `precision`, `recall`, `f1` and `support`
          (how many utterances truly have the label). A measure with nothing to divide by is `None`: the
          recall of a label without samples, the precision of one that is never predicted;
        - `labels_without_samples`: labels that the model knows and the corpus lacks;
        - `labels_unknown_to_model`: a list of `label` and `support` that the corpus has and the model lacks;
        - `top_confusions`: a list of `true`, `predicted`, `count` and `share`, see `top_confusions`;
        - `intervals`, when there are speakers: see `kser.evaluation.speaker_bootstrap.speaker_intervals`;
        - `calibration`, when there are probabilities: see `kser.evaluation.calibration.calibration_report`;
        - `subgroups` and `subgroup_tests`, when there are groups: by column what
          `kser.evaluation.subgroups.classification_subgroups` gives.

    Raises:
        UserError: no utterance has a label that the model knows.
        ValueError: arrays do not fit together, or `groups` come without `speakers`.
    """
    outcome: dict[str, Any] = {"y_true": y_true, "y_pred": y_pred, "labels": labels}
    report = _point_estimates(**outcome)
    drawing: dict[str, Any] = {"resamples": resamples, "level": level, "seed": seed}
    if speakers is not None:
        report["intervals"] = classification_intervals(**outcome, speakers=speakers, **drawing)
    if probabilities is not None:
        report["calibration"] = calibration_report(y_true=y_true, probabilities=probabilities, labels=labels)
    if groups is not None:
        if speakers is None:
            raise ValueError("groups need speakers: utterances of one speaker are not independent")
        report["subgroups"], report["subgroup_tests"] = {}, {}
        for column, values in groups.items():
            report["subgroups"][column], report["subgroup_tests"][column] = classification_subgroups(
                **outcome, speakers=speakers, groups=values, **drawing
            )
    return report


def _point_estimates(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> dict[str, Any]:
    codes = encode(y_true, y_pred, labels)
    known = codes.known()
    per_label = _per_label(known)
    outcome: dict[str, Any] = {"y_true": y_true, "y_pred": y_pred, "labels": labels}
    return {
        "n": len(known.true),
        "n_excluded": len(codes.true) - len(known.true),
        "uar": unweighted_average_recall(**outcome),
        "wa": weighted_accuracy(**outcome),
        "macro_f1": macro_f1(**outcome),
        "weighted_f1": weighted_f1(**outcome),
        "mcc": matthews_correlation(**outcome),
        "per_label": per_label,
        "labels_without_samples": [entry["label"] for entry in per_label if entry["support"] == 0],
        "labels_unknown_to_model": [
            {"label": label, "support": support} for label, support in codes.unknown.items()
        ],
        "top_confusions": [
            dict(zip(("true", "predicted", "count", "share"), confusion, strict=True))
            for confusion in top_confusions(**outcome)
        ],
    }


def _per_label(known: Codes) -> list[dict[str, Any]]:
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        known.true, known.pred, labels=range(len(known.labels)), zero_division=np.nan
    )
    return [
        {
            "label": label,
            "precision": _number_or_none(precision[i]),
            "recall": _number_or_none(recall[i]),
            "f1": _number_or_none(f1[i]),
            "support": int(support[i]),
        }
        for i, label in enumerate(known.labels)
    ]


def _number_or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else float(value)
