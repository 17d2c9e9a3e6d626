"""Splits by utterances, for those who ask for them: a speaker may be in several parts."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import pandas as pd

from kser.corpora.labels import label_order
from kser.corpora.splits.parts import (
    PARTS,
    check_arguments,
    classes_of,
    cut,
    part_sizes,
    shuffled,
    validation_sizes,
)
from kser.errors import UserError
from kser.words import listed


def random_split(
    table: pd.DataFrame,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
) -> pd.Series:
    """Split a corpus by utterances, class by class: a speaker may be in several parts.

    Only for `speaker_independent_scenario: false`; scores from such a split say little about new speakers.

    Args:
        table: one row per utterance, with the columns `utterance` and `label_column`.
        train_test_split: N; each class gives N², N(1−N) and 1−N of its utterances, at least one to each part.
        seed: a whole number from 0 on.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.

    Returns:
        "train", "validation" or "test" for each row, with the index of `table`.

    Raises:
        UserError: a class has fewer than three utterances.
    """
    check_arguments(train_test_split, seed, source)
    _check_enough(
        table, label_column, len(PARTS), "three utterances", "training, validation and test", source
    )
    return _by_class(table, PARTS, lambda n: part_sizes(n, train_test_split), seed, label_column)


def random_validation(
    table: pd.DataFrame, train_test_split: float, seed: int, label_column: str | None, source: str
) -> pd.Series:
    """Take 1−N of the utterances of each class for validation: "train" or "validation" for each row.

    Raises:
        UserError: a class has fewer than two utterances.
    """
    _check_enough(table, label_column, 2, "two utterances", "training and validation", source)
    parts = PARTS[:2]
    return _by_class(table, parts, lambda n: validation_sizes(n, train_test_split), seed, label_column)


def _by_class(
    table: pd.DataFrame,
    parts: Sequence[str],
    sizes: Callable[[int], Sequence[int]],
    seed: int,
    label_column: str | None,
) -> pd.Series:
    classes = classes_of(table, label_column)
    rng = np.random.default_rng(seed)
    in_order = table["utterance"].astype(str).sort_values().index
    part_of: dict[Hashable, str] = {}
    for name in label_order(classes):
        members = shuffled(list(in_order[classes.loc[in_order] == name]), rng)
        for part, rows in zip(parts, cut(members, sizes(len(members))), strict=True):
            part_of |= dict.fromkeys(rows, part)
    return pd.Series([part_of[row] for row in table.index], index=table.index, name="part")


def _check_enough(
    table: pd.DataFrame, label_column: str | None, least: int, in_words: str, parts: str, source: str
) -> None:
    counts = Counter(classes_of(table, label_column))
    if rare := [name for name in label_order(counts) if counts[name] < least]:
        raise UserError(
            f"{source}: fewer than {in_words} of {listed(rare)}; "
            f"each class needs one for {parts}: drop the class or add utterances"
        )
