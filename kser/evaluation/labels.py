"""Labels as indices: what every measure on classes begins with."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from kser.errors import UserError

Label = str | int
LabelArray = Sequence[Label] | np.ndarray | pd.Series


class Codes(NamedTuple):
    """Labels as indices, so that strings, integers and a mixture of both take the same way.

    `true` and `pred` are indices into `labels`; those of `true` go on into `unknown`: the true labels that
    the model does not know, in order of first appearance, with how often each occurs.
    """

    true: np.ndarray
    pred: np.ndarray
    labels: list[Label]
    unknown: dict[Label, int]

    @property
    def judgeable(self) -> np.ndarray:
        """bool (utterances,): those that the model could get right."""
        return self.true < len(self.labels)

    def known(self) -> "Codes":
        """The utterances that the model could get right.

        Raises:
            UserError: there is none.
        """
        keep = self.judgeable
        if not keep.any():
            raise UserError(
                "nothing to evaluate: no utterance has a label that the model knows "
                f"(the model knows {_listing(self.labels)}; the corpus has {_listing(self.unknown)})"
            )
        return Codes(self.true[keep], self.pred[keep], self.labels, {})


def encode(y_true: LabelArray, y_pred: LabelArray, labels: Sequence[Label]) -> Codes:
    """Check the arguments and turn labels into indices.

    Raises:
        ValueError: lengths differ, `labels` repeats one, or a prediction is not one of `labels`.
    """
    true, pred, known = plain(y_true), plain(y_pred), plain(labels)
    if len(true) != len(pred):
        raise ValueError(f"y_true has {len(true)} labels but y_pred has {len(pred)}")
    index = {label: i for i, label in enumerate(known)}
    if len(index) != len(known):
        raise ValueError(f"labels holds a label twice: {_listing(known)}")
    if foreign := {label: None for label in pred if label not in index}:
        raise ValueError(f"y_pred holds {_listing(foreign)}, which is not among labels: {_listing(known)}")
    unknown = Counter(label for label in true if label not in index)
    index_true = index | {label: len(known) + i for i, label in enumerate(unknown)}
    return Codes(
        true=np.array([index_true[label] for label in true], dtype=np.int64),
        pred=np.array([index[label] for label in pred], dtype=np.int64),
        labels=known,
        unknown=dict(unknown),
    )


def plain(values: LabelArray) -> list[Label]:
    """Labels as Python's own strings and integers: NumPy's scalars are not JSON."""
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _listing(labels: Iterable[Label]) -> str:
    return ", ".join(map(repr, labels)) or "none"
