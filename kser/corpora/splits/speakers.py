"""Who recorded what: all that a split by speakers depends on, and how well a split mirrors the corpus."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from kser.corpora.labels import label_order
from kser.corpora.splits.parts import PARTS, classes_of
from kser.errors import UserError
from kser.grouping import grouped
from kser.words import listed

Groups = list[list[str]]
"""The speakers of each part, or of each fold."""

REMEDY = "add speakers, or set speaker_independent_scenario to false"


@dataclass(frozen=True)
class Speakers:
    """The speakers of a corpus: nothing here knows the order of the rows.

    Attributes:
        names: all of them, in the order of text.
        classes: in canonical order.
        counts: utterances of each speaker by class, int64 array (classes).
        of_gender: gender → its speakers, both in the order of text.
    """

    names: list[str]
    classes: list[str]
    counts: dict[str, np.ndarray]
    of_gender: dict[str, list[str]]

    @classmethod
    def of(cls, table: pd.DataFrame, label_column: str | None, source: str) -> "Speakers":
        """Count a table with the columns `actor`, `gender` and `label_column`.

        Raises:
            UserError: a speaker has two genders.
        """
        actors, genders = table["actor"].astype(str), table["gender"].astype(str)
        labels = classes_of(table, label_column)
        names, classes = sorted(set(actors)), label_order(labels)
        gender_of = _gender_of_speakers(actors, genders, source)
        cells = Counter(zip(actors, labels, strict=True))
        counts = {s: np.array([cells[s, name] for name in classes], dtype=np.int64) for s in names}
        of_gender = grouped((gender_of[name], name) for name in names)
        return cls(names, classes, counts, dict(sorted(of_gender.items())))

    def among(self, names: Iterable[str]) -> "Speakers":
        """Some of the speakers, with all of the classes."""
        chosen = set(names)
        of_gender = {
            gender: [name for name in names if name in chosen] for gender, names in self.of_gender.items()
        }
        return Speakers(
            names=[name for name in self.names if name in chosen],
            classes=self.classes,
            counts={name: self.counts[name] for name in self.names if name in chosen},
            of_gender={gender: names for gender, names in of_gender.items() if names},
        )

    def who_recorded(self, class_position: int) -> list[str]:
        """The speakers with an utterance of a class."""
        return [name for name in self.names if self.counts[name][class_position] > 0]

    def who_recorded_what(self, class_positions: Iterable[int]) -> str:
        """The speakers of some classes, in words: "fear is recorded by 03, 08 of 10 speakers; …"."""
        said = []
        for position in dict.fromkeys(class_positions):
            by = self.who_recorded(position)
            said.append(f"{self.classes[position]} is recorded by {listed(by)} of {len(self.names)} speakers")
        return listed(said, "; ")

    def class_counts(self, groups: Groups) -> list[np.ndarray]:
        """Utterances of each group by class, int64 arrays (classes)."""
        none = np.zeros(len(self.classes), dtype=np.int64)
        return [sum((self.counts[speaker] for speaker in members), none) for members in groups]

    def imbalance(self, groups: Groups, shares: Sequence[Fraction]) -> Fraction:
        """Distance of the groups from the corpus, exact: rounding would let machines disagree about ties.

        The sum of the total-variation distances of each group's class proportions from those of the corpus
        and of the groups' shares of the utterances from those wanted.
        """
        counts = self.class_counts(groups)
        whole = _proportions(np.sum(counts, axis=0))
        classes = sum((_total_variation(_proportions(group), whole) for group in counts), Fraction(0))
        sizes = _proportions(np.array([group.sum() for group in counts]))
        return classes + _total_variation(sizes, shares)


def check_enough_speakers(speakers: Speakers, source: str) -> None:
    """Raise `UserError` unless there are three speakers and two that recorded each class."""
    if len(speakers.names) < len(PARTS):
        in_all = ("no speaker", "one speaker", "two speakers")[len(speakers.names)]
        raise UserError(
            f"{source}: {in_all} in all; a speaker-independent split needs at least three: {REMEDY}"
        )
    by_one = []
    for position, name in enumerate(speakers.classes):
        recorded_by = speakers.who_recorded(position)
        if len(recorded_by) == 1:
            by_one.append(f"class {name} (by {recorded_by[0]})")
    if by_one:
        raise UserError(
            f"{source}: recorded by only one speaker: {listed(by_one)}; training and test part both need a "
            f"speaker of each class: drop the class, {REMEDY}"
        )


def _gender_of_speakers(actors: pd.Series, genders: pd.Series, source: str) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for speaker, gender in zip(actors, genders, strict=True):
        found.setdefault(speaker, set()).add(gender)
    if several := sorted(speaker for speaker, genders_found in found.items() if len(genders_found) > 1):
        named = "; ".join(
            f"speaker {speaker} as {' and '.join(sorted(found[speaker]))}" for speaker in several
        )
        raise UserError(f"{source}: two genders for one speaker: {named}; give each speaker one")
    return {speaker: genders_found.pop() for speaker, genders_found in found.items()}


def _proportions(counts: np.ndarray) -> list[Fraction]:
    total = int(counts.sum())
    return [Fraction(int(count), total) for count in counts]


def _total_variation(some: Sequence[Fraction], others: Sequence[Fraction]) -> Fraction:
    return sum((abs(a - b) for a, b in zip(some, others, strict=True)), Fraction(0)) / 2
