"""Folds in which what belongs together is never in training and test at once."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from kser.errors import UserError
from kser.words import listed

Fold = tuple[np.ndarray, np.ndarray]
"""Positions of the utterances to train on, and of those to test on."""


def grouped_folds(strata: np.ndarray, groups: np.ndarray | None, n_folds: int, seed: int) -> list[Fold]:
    """Folds of whole groups, each with about the same share of every stratum.

    For emotion, gender or a number the groups are the speakers. Where the speaker is the question, it must be
    in training and test both, and the groups are the sentences.

    Args:
        strata: int (utterances,): what each fold should hold in equal parts.
        groups: int (utterances,); `None` where every utterance stands by itself.
        n_folds: how many; with fewer groups as many as there are.
        seed: of the order of the groups.

    Returns:
        Folds whose tests hold every utterance once.

    Raises:
        UserError: there is only one group, or every stratum has one utterance only.
    """
    n_groups = len(strata) if groups is None else len(np.unique(groups))
    if n_groups < 2:
        raise UserError("only one group of utterances: nothing to test on; at least 2 are needed")
    if (largest := int(np.bincount(strata).max())) < 2:
        raise UserError("no two utterances have the same label: nothing can be both learnt and tested")
    n_folds = min(n_folds, n_groups, largest)
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        # A stratum of fewer utterances than folds; what that means is checked by who learns it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = splitter(n_folds, shuffle=True, random_state=seed).split(strata, strata, groups)
        return [(train, test) for train, test in folds if len(test)]


def group_codes(groups: ArrayLike | Sequence[object] | pd.Series, n: int, name: str) -> np.ndarray:
    """Groups as indices 0, 1, … in the order of their names, the same in any order of the utterances.

    Args:
        groups: one an utterance.
        n: how many utterances there are.
        name: what messages call them.

    Raises:
        ValueError: there are not as many.
        UserError: one is missing.
    """
    values = pd.Series(list(groups), dtype=object)  # type: ignore[arg-type]
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} values but there are {n} utterances")
    if values.isna().any():
        raise UserError(f"{name}: no value in row {int(values.isna().to_numpy().argmax())}")
    return np.unique(values.astype(str).to_numpy(dtype=str), return_inverse=True)[1]


def check_all_learnt(folds: Sequence[Fold], labels: np.ndarray) -> None:
    """Whether every label is in every fold's training part.

    Raises:
        UserError: one is not, and could never be recognised there.
    """
    for train, _ in folds:
        missing = np.setdiff1d(labels, labels[train]).tolist()
        if missing:
            raise UserError(
                f"{listed([repr(label) for label in missing])}: all utterances are in too few groups to be "
                "in every training part; a label needs utterances of 3 groups (speakers) or more"
            )
