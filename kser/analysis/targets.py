"""What a probe reads from vectors: classes or numbers, each with its model, its measure and its control."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression, Ridge

from kser.analysis.folds import Fold, check_all_learnt, group_codes
from kser.errors import UserError
from kser.evaluation.shares import mean_of_defined, share
from kser.evaluation.speaker_sums import SpeakerSums, sum_by_speaker

MOST_ITERATIONS = 1000
"""Of the solver of a logistic regression, on standardised channels."""


class Target(Protocol):
    """What `kser.analysis.probes.probe` asks of a target."""

    @property
    def measure(self) -> str:
        """Name of the measure, which is higher for better probes."""

    @property
    def truth(self) -> np.ndarray:
        """(utterances, …): what is fitted."""

    @property
    def strata(self) -> np.ndarray:
        """int (utterances,): what folds should hold in equal parts."""

    @property
    def chance(self) -> float:
        """The measure of a probe that knows nothing."""

    def estimator(self, penalty: float) -> LogisticRegression | Ridge:
        """A linear model of scikit-learn, to be fitted to standardised channels."""

    def score(self, predicted: np.ndarray) -> float:
        """The measure of predictions of all utterances."""

    def by_speaker(self, predicted: np.ndarray, speakers: np.ndarray) -> SpeakerSums:
        """What each speaker adds to the measure of predictions; speakers are int (utterances,)."""

    def part(self, rows: np.ndarray) -> Self:
        """The same target of some utterances."""

    def check(self, folds: Sequence[Fold]) -> None:
        """Raise a UserError where a fold cannot be learnt."""

    def control(self, units: np.ndarray | None, rng: np.random.Generator) -> Self:
        """A random target of the same kind, see `kser.analysis.probes.control_scores`."""


@dataclass(frozen=True)
class ClassTarget:
    """Classes, read by a logistic regression in which each class weighs the same; measured by UAR.

    Attributes:
        truth: str (utterances,).
    """

    truth: np.ndarray
    measure: str = "uar"

    @classmethod
    def of(cls, labels: ArrayLike | Sequence[object] | pd.Series) -> "ClassTarget":
        """From one label an utterance.

        Raises:
            UserError: a label is missing, or all are the same.
        """
        values = list(labels)  # type: ignore[arg-type]
        n_classes = len(set(group_codes(values, len(values), "labels")))
        if n_classes < 2:
            raise UserError(f"labels: a probe needs two or more classes, got {n_classes}")
        return cls(np.array([str(label) for label in values]))

    @property
    def classes(self) -> np.ndarray:
        """str (classes,), in the order of their names."""
        return np.unique(self.truth)

    @property
    def strata(self) -> np.ndarray:
        return np.unique(self.truth, return_inverse=True)[1]

    @property
    def chance(self) -> float:
        return 1 / len(self.classes)

    def estimator(self, penalty: float) -> LogisticRegression:
        return LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=MOST_ITERATIONS)

    def score(self, predicted: np.ndarray) -> float:
        return self.by_speaker(predicted, np.zeros(len(predicted), dtype=np.int64)).estimates[self.measure]

    def by_speaker(self, predicted: np.ndarray, speakers: np.ndarray) -> SpeakerSums:
        # Of the classes' utterances only those that are right and all of them: UAR needs no more, and with a
        # hundred speakers as classes the cells of confusion matrices would be many.
        of_class = np.eye(len(self.classes))[self.strata]
        right = of_class * (predicted == self.truth)[:, None]
        entries = np.concatenate([right, of_class], axis=1)
        return SpeakerSums(
            sum_by_speaker(entries, speakers, int(speakers.max()) + 1),
            lambda sums: {self.measure: _recall(sums)},
        )

    def part(self, rows: np.ndarray) -> "ClassTarget":
        return replace(self, truth=self.truth[rows])

    def check(self, folds: Sequence[Fold]) -> None:
        check_all_learnt(folds, self.truth)

    def control(self, units: np.ndarray | None, rng: np.random.Generator) -> "ClassTarget":
        if units is None:
            return replace(self, truth=rng.permutation(self.truth))
        n_units, n_classes = int(units.max()) + 1, len(self.classes)
        if n_units < n_classes:
            raise UserError(f"units: {n_units} cannot stand for {n_classes} classes; leave them out")
        dealt = rng.permutation(np.resize(rng.permutation(self.classes), n_units))
        return replace(self, truth=dealt[units])


@dataclass(frozen=True)
class NumberTarget:
    """Numbers, read by ridge regression; measured by R², the mean of the columns.

    Attributes:
        truth: float64 (utterances, columns), such as arousal, or a group of features.
    """

    truth: np.ndarray
    measure: str = "r2"

    @classmethod
    def of(cls, values: ArrayLike) -> "NumberTarget":
        """From (utterances,) or (utterances, columns).

        Raises:
            ValueError: another shape.
            UserError: a value is not finite, or a column has the same value everywhere.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.ndim not in (1, 2) or not array.size:
            raise ValueError(
                f"values has the shape {array.shape}, not (utterances,) or (utterances, columns)"
            )
        table = array.reshape(len(array), -1)
        if len(bad := np.flatnonzero(~np.isfinite(table).all(axis=1))):
            raise UserError(f"values: row {bad[0]} has a value that is not finite; leave such utterances out")
        if len(constant := np.flatnonzero(np.ptp(table, axis=0) == 0)):
            raise UserError(f"values: column {constant[0]} has the same value everywhere")
        return cls(table)

    @property
    def strata(self) -> np.ndarray:
        return np.zeros(len(self.truth), dtype=np.int64)

    @property
    def chance(self) -> float:
        return 0.0

    def estimator(self, penalty: float) -> Ridge:
        return Ridge(alpha=penalty)

    def score(self, predicted: np.ndarray) -> float:
        return self.by_speaker(predicted, np.zeros(len(predicted), dtype=np.int64)).estimates[self.measure]

    def by_speaker(self, predicted: np.ndarray, speakers: np.ndarray) -> SpeakerSums:
        # Moments of values that are far from 0 for their spread would lose it in rounding.
        truth = self.truth - self.truth.mean(axis=0)
        moments = [np.ones_like(truth), truth, truth**2, (self.truth - predicted) ** 2]
        entries = np.stack(moments, axis=-1).reshape(len(truth), -1)
        return SpeakerSums(
            sum_by_speaker(entries, speakers, int(speakers.max()) + 1),
            lambda sums: {self.measure: _mean_r2(sums.reshape(*sums.shape[:-1], -1, len(moments)))},
        )

    def part(self, rows: np.ndarray) -> "NumberTarget":
        return replace(self, truth=self.truth[rows])

    def check(self, folds: Sequence[Fold]) -> None:
        """Numbers can be learnt from any utterances."""

    def control(self, units: np.ndarray | None, rng: np.random.Generator) -> "NumberTarget":
        drawn = rng.permutation(len(self.truth))
        return replace(self, truth=self.truth[drawn if units is None else drawn[units]])


def _recall(sums: np.ndarray) -> np.ndarray:
    """UAR (…), the mean recall of the classes that occur, from right ones, then all (…, 2 × classes)."""
    right, all_of_class = np.split(sums, 2, axis=-1)
    return mean_of_defined(share(right, all_of_class))


def _mean_r2(sums: np.ndarray) -> np.ndarray:
    """R² (…), the mean over targets, from n, Σt, Σt² and Σ(t − p)² (…, targets, 4)."""
    n, total, square, error = np.moveaxis(sums, -1, 0)
    return (1 - share(error, square - total**2 / n)).mean(axis=-1)
