"""Classification measures of speech emotion recognition, and the report that an evaluation writes.

Every function takes `y_true` and `y_pred` (one label an utterance: strings or integers) and `labels`, all
labels of the model in its order. An utterance whose true label the model does not know cannot be judged: the
measures leave it out, and the confusion matrix and the report name and count it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError

Label = str | int
LabelArray = Sequence[Label] | np.ndarray | pd.Series


def unweighted_average_recall(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """Unweighted average recall (UAR), also called unweighted accuracy (UA).

    The mean of the recalls over the classes that occur in `y_true`, which is the convention of
    `sklearn.metrics.balanced_accuracy_score`: a class without samples has no recall and does not count.
    The measure of the INTERSPEECH challenges (Schuller, Steidl & Batliner, "The INTERSPEECH 2009 Emotion
    Challenge", 2009), where class sizes differ widely.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = _encode(y_true, y_pred, labels).known()
    return float(
        sklearn_metrics.recall_score(known.true, known.pred, labels=np.unique(known.true), average="macro")
    )


def weighted_accuracy(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """Weighted accuracy (WA): the share of utterances with the right label, that is, plain accuracy.

    "Weighted" is the word of the field: each class's recall weighs by its number of samples.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = _encode(y_true, y_pred, labels).known()
    return float(sklearn_metrics.accuracy_score(known.true, known.pred))


def macro_f1(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> float:
    """The mean of the F1 scores over the classes that occur in `y_true` or in `y_pred`.

    scikit-learn's convention for `average="macro"`: the mean of the F1 scores, not the F1 of the mean
    precision and recall (Opitz & Burst, "Macro F1 and Macro F1", arXiv:1911.03347).

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    known = _encode(y_true, y_pred, labels).known()
    return float(sklearn_metrics.f1_score(known.true, known.pred, average="macro", zero_division=0.0))


def confusion_matrix(*, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> pd.DataFrame:
    """Count the utterances of each true label by predicted label.

    Returns:
        A table of counts: rows are true labels, columns are predicted labels, both in the order of `labels`
        and with every label, also one without samples. True labels that the model does not know follow as
        rows of their own, in the order in which they appear.
    """
    codes = _encode(y_true, y_pred, labels)
    rows = [*codes.labels, *codes.unknown]
    counts = np.zeros((len(rows), len(codes.labels)), dtype=np.int64)
    np.add.at(counts, (codes.true, codes.pred), 1)
    return pd.DataFrame(
        counts,
        index=pd.Index(rows, name="true", dtype=object),
        columns=pd.Index(codes.labels, name="predicted", dtype=object),
    )


def classification_report(
    *, y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]
) -> dict[str, Any]:
    """Everything that an evaluation says in numbers, ready for JSON.

    Returns:
        A dictionary with

        - `n`: utterances behind the measures; `n_excluded`: those left out, as the model lacks their label;
        - `uar`, `wa`, `macro_f1`: as the functions of this module define them;
        - `per_label`: a list, in the order of `labels`, of `label`, `precision`, `recall`, `f1` and `support`
          (how many utterances truly have the label). A measure with nothing to divide by is `None`: the
          recall of a label without samples, the precision of one that is never predicted;
        - `labels_without_samples`: labels that the model knows and the corpus lacks;
        - `labels_unknown_to_model`: a list of `label` and `support` that the corpus has and the model lacks.

    Raises:
        UserError: no utterance has a label that the model knows.
    """
    codes = _encode(y_true, y_pred, labels)
    known = codes.known()
    per_label = _per_label(known)
    return {
        "n": len(known.true),
        "n_excluded": len(codes.true) - len(known.true),
        "uar": unweighted_average_recall(y_true=y_true, y_pred=y_pred, labels=labels),
        "wa": weighted_accuracy(y_true=y_true, y_pred=y_pred, labels=labels),
        "macro_f1": macro_f1(y_true=y_true, y_pred=y_pred, labels=labels),
        "per_label": per_label,
        "labels_without_samples": [entry["label"] for entry in per_label if entry["support"] == 0],
        "labels_unknown_to_model": [
            {"label": label, "support": support} for label, support in codes.unknown.items()
        ],
    }


def _per_label(known: "_Codes") -> list[dict[str, Any]]:
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


class _Codes(NamedTuple):
    """Labels as indices, so that strings, integers and a mixture of both take the same way.

    `true` and `pred` are indices into `labels`; those of `true` go on into `unknown`: the true labels that
    the model does not know, in order of first appearance, with how often each occurs.
    """

    true: np.ndarray
    pred: np.ndarray
    labels: list[Label]
    unknown: dict[Label, int]

    def known(self) -> "_Codes":
        """The utterances that the model could get right."""
        keep = self.true < len(self.labels)
        if not keep.any():
            raise UserError(
                "nothing to evaluate: no utterance has a label that the model knows "
                f"(the model knows {_listing(self.labels)}; the corpus has {_listing(self.unknown)})"
            )
        return _Codes(self.true[keep], self.pred[keep], self.labels, {})


def _encode(y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> _Codes:
    """Check the arguments and turn labels into indices.

    Raises:
        ValueError: lengths differ, `labels` repeats one, or a prediction is none of `labels`.
    """
    true, pred, known = _plain(y_true), _plain(y_pred), _plain(labels)
    if len(true) != len(pred):
        raise ValueError(f"y_true has {len(true)} labels but y_pred has {len(pred)}")
    index = {label: i for i, label in enumerate(known)}
    if len(index) != len(known):
        raise ValueError(f"labels holds a label twice: {_listing(known)}")
    if foreign := {label: None for label in pred if label not in index}:
        raise ValueError(f"y_pred holds {_listing(foreign)}, which is not among labels: {_listing(known)}")
    unknown = Counter(label for label in true if label not in index)
    index_true = index | {label: len(known) + i for i, label in enumerate(unknown)}
    return _Codes(
        true=np.array([index_true[label] for label in true], dtype=np.int64),
        pred=np.array([index[label] for label in pred], dtype=np.int64),
        labels=known,
        unknown=dict(unknown),
    )


def _plain(values: LabelArray) -> list[Label]:
    """Labels as Python's own strings and integers: NumPy's scalars are not JSON."""
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _listing(labels: Iterable[Label]) -> str:
    return ", ".join(map(repr, labels)) or "none"
