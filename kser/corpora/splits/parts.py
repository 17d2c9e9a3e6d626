"""What all splits share: the parts, their sizes, and drawing that is the same on every machine."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np
import pandas as pd

from kser.errors import UserError

PARTS = ("train", "validation", "test")
# The part of a row that a split leaves out.
LEFT_OUT = ""

T = TypeVar("T")


def part_shares(train_test_split: float) -> tuple[Fraction, Fraction, Fraction]:
    """N², N(1−N) and 1−N, exact."""
    kept = Fraction(str(train_test_split))
    return kept * kept, kept * (1 - kept), 1 - kept


def part_sizes(count: int, train_test_split: float) -> tuple[int, int, int]:
    """Whole numbers for N², N(1−N) and 1−N of `count` ≥ 3, each at least one; training gets the rest."""
    _, validation, test = (_rounded(count * share) for share in part_shares(train_test_split))
    test = min(max(test, 1), count - 2)
    validation = min(max(validation, 1), count - 1 - test)
    return count - validation - test, validation, test


def validation_shares(train_test_split: float) -> tuple[Fraction, Fraction]:
    """N and 1−N, exact: training and validation part of what is left when the test part is given."""
    kept = Fraction(str(train_test_split))
    return kept, 1 - kept


def validation_sizes(count: int, train_test_split: float) -> tuple[int, int]:
    """Whole numbers for N and 1−N of `count` ≥ 2, each at least one."""
    validation = min(max(_rounded(count * validation_shares(train_test_split)[1]), 1), count - 1)
    return count - validation, validation


def shuffled(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    """The items in random order."""
    # By sorting keys: what `permutation` draws may change with the version of NumPy, a split must not.
    return [items[i] for i in np.argsort(rng.random(len(items)), kind="stable")]


def cut(items: Sequence[T], sizes: Sequence[int]) -> Iterator[Sequence[T]]:
    """The first of `sizes` items, then the next, and so on."""
    start = 0
    for size in sizes:
        yield items[start : start + size]
        start += size


def classes_of(table: pd.DataFrame, label_column: str | None) -> pd.Series:
    """The class of each row; one for all where there are none."""
    if label_column is None:
        return pd.Series("", index=table.index)
    return table[label_column].astype(str)


def check_arguments(train_test_split: float, seed: int, source: str) -> None:
    """Raise `UserError` unless the share lies between 0 and 1 and the seed is not negative."""
    if not 0 < train_test_split < 1:
        raise UserError(
            f"{source}: train_test_split must be between 0 and 1, such as 0.8, got {train_test_split}"
        )
    if seed < 0:
        raise UserError(f"{source}: seed must be at least 0, got {seed}")


def _rounded(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
