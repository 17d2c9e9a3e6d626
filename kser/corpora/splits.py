"""Training, validation and test parts of a corpus, by whole speakers or, where asked for, at random.

Speaker-independent means that no speaker is heard in two parts. Speakers are therefore dealt out once, over
all classes together: dealing them out per class leaks as soon as somebody did not record every class.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TypeVar

import numpy as np
import pandas as pd

from kser.corpora.labels import label_order
from kser.corpora.listing import listed
from kser.errors import UserError

PARTS = ("train", "validation", "test")

T = TypeVar("T")

# Of so many random splits the best balanced one is taken. More would give every seed the same "best" split,
# and seeds are there to vary it: the spread over seeds is to show how much the choice of speakers matters.
_CANDIDATES = 32
# Where few speakers recorded a class, a split that puts it in training and test may need a longer search.
_FURTHER_CANDIDATES = 2000


def speaker_split(
    table: pd.DataFrame,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
) -> pd.Series:
    """Split a corpus by speakers into training, validation and test part.

    With N = `train_test_split`, the parts get N², N(1−N) and 1−N of the speakers, each at least one. Every
    gender is spread over the parts as evenly as whole speakers allow: off its exact share by less than one.
    Among random splits of that kind, one is taken whose parts come close to the corpus in their class
    proportions and to the wanted shares of utterances. Every class occurs in training and test part.

    The result depends on the seed and on who recorded what, not on the order of the rows or the machine.

    Args:
        table: one row per utterance, with the columns `actor`, `gender` and `label_column`.
        train_test_split: N, between 0 and 1.
        seed: a whole number from 0 on.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.

    Returns:
        "train", "validation" or "test" for each row, with the index of `table`.

    Raises:
        UserError: fewer than three speakers, a speaker with two genders, a class that one speaker alone
            recorded, or no split that has every class in training and test part.

    Example:
        >>> table = pd.DataFrame({"actor": list("abc"), "gender": "female", "class_id": "joy"})
        >>> sorted(speaker_split(table, 0.8, seed=0))
        ['test', 'train', 'validation']
    """
    _check_arguments(train_test_split, seed, source)
    corpus = _Corpus.of(table, label_column, source)
    shares = _shares(train_test_split)
    sizes = _part_sizes(len(corpus.speakers), train_test_split)
    rng = np.random.default_rng(seed)

    candidates = [_deal_speakers(corpus.speakers_of_gender, sizes, rng) for _ in range(_CANDIDATES)]
    fitting = [parts for parts in candidates if corpus.fits(parts)]
    if fitting:
        parts = min(fitting, key=lambda parts: corpus.cost(parts, shares))  # the first one on ties
    else:
        parts = _search_further(corpus, sizes, rng, source)
    part_of = {speaker: part for part, members in zip(PARTS, parts, strict=True) for speaker in members}
    return table["actor"].astype(str).map(part_of).rename("part")


def random_split(
    table: pd.DataFrame,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
) -> pd.Series:
    """Split a corpus by utterances, class by class: speakers are heard in several parts.

    For `speaker_independent_scenario: false` alone; scores from such a split say little about new speakers.

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
    _check_arguments(train_test_split, seed, source)
    classes = _classes(table, label_column)
    counts = Counter(classes)
    if rare := [name for name in label_order(counts) if counts[name] < len(PARTS)]:
        raise UserError(
            f"{source}: fewer than three utterances of {listed(rare)}; "
            "each class needs one for training, validation and test: drop the class or add utterances"
        )
    rng = np.random.default_rng(seed)
    in_order = table["utterance"].astype(str).sort_values().index
    part_of: dict[Hashable, str] = {}
    for name in label_order(counts):
        members = _shuffled(list(in_order[classes.loc[in_order] == name]), rng)
        for part, rows in zip(PARTS, _cut(members, _part_sizes(len(members), train_test_split)), strict=True):
            part_of |= dict.fromkeys(rows, part)
    return pd.Series([part_of[row] for row in table.index], index=table.index, name="part")


def split_fingerprint(table: pd.DataFrame, parts: pd.Series, label_column: str | None = "class_id") -> str:
    """Fingerprint of who was put where: the same split has the same one on every machine and row order.

    Args:
        table: one row per utterance, with the columns `utterance`, `actor` and `label_column`.
        parts: the part of each row, as a split gives it.
        label_column: the column with the classes; `None` where there are none (regression).

    Returns:
        16 hexadecimal digits: the beginning of the SHA-256 of the sorted lines
        `part⇥utterance⇥class⇥actor`.
    """
    columns = (parts.loc[table.index], table["utterance"], _classes(table, label_column), table["actor"])
    lines = sorted("\t".join(map(str, row)) for row in zip(*columns, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def describe_split(
    table: pd.DataFrame, parts: pd.Series, label_column: str | None = "class_id"
) -> pd.DataFrame:
    """Sizes of the parts of a split, for logs and reports.

    Returns:
        One row per part; the columns `utterances` and `speakers`, a column `<gender> speakers` for each
        gender and a column named after each class with its number of utterances.
    """
    parts = parts.loc[table.index]
    speakers = pd.DataFrame(
        {"part": parts, "actor": table["actor"], "gender": table["gender"]}
    ).drop_duplicates()
    columns = {
        "utterances": parts.value_counts(),
        "speakers": speakers["part"].value_counts(),
        **{f"{g} speakers": of["part"].value_counts() for g, of in speakers.groupby("gender")},
    }
    if label_column is not None:
        classes = _classes(table, label_column)
        columns |= {name: parts[classes == name].value_counts() for name in label_order(classes)}
    return pd.DataFrame(columns).reindex(list(PARTS)).fillna(0).astype(int).rename_axis("part")


@dataclass(frozen=True)
class _Corpus:
    """What a split of the speakers depends on: nothing here knows the order of the rows."""

    speakers: list[str]
    """All of them, by name."""
    classes: list[str]
    counts: dict[str, np.ndarray]
    """Utterances of each speaker by class."""
    speakers_of_gender: dict[str, list[str]]
    """By gender, then by name."""

    @classmethod
    def of(cls, table: pd.DataFrame, label_column: str | None, source: str) -> "_Corpus":
        actors, genders = table["actor"].astype(str), table["gender"].astype(str)
        labels = _classes(table, label_column)
        speakers = sorted(set(actors))
        classes = label_order(labels)
        gender_of = _gender_of_speakers(actors, genders, source)
        cells = Counter(zip(actors, labels, strict=True))
        counts = {s: np.array([cells[s, name] for name in classes], dtype=np.int64) for s in speakers}
        _check_speakers(speakers, classes, counts, source)
        by_gender = {g: [s for s in speakers if gender_of[s] == g] for g in sorted(set(gender_of.values()))}
        return cls(speakers, classes, counts, by_gender)

    def fits(self, parts: "_Parts") -> bool:
        """Whether training and test part have every class."""
        train, _, test = self.class_counts(parts)
        return bool((train > 0).all() and (test > 0).all())

    def cost(self, parts: "_Parts", shares: Sequence[Fraction]) -> Fraction:
        """Distance of a split from the corpus, exact: rounding would let machines disagree about ties.

        The sum of the total-variation distances of each part's class proportions from those of the corpus
        and of the parts' shares of the utterances from those wanted; and one for each class that the
        validation part lacks.
        """
        counts = self.class_counts(parts)
        whole = _proportions(np.sum(counts, axis=0))
        of_parts = sum(_total_variation(_proportions(part), whole) for part in counts)
        of_shares = _total_variation(_proportions(np.array([part.sum() for part in counts])), shares)
        return of_parts + of_shares + int((counts[1] == 0).sum())

    def class_counts(self, parts: "_Parts") -> list[np.ndarray]:
        return [np.sum([self.counts[speaker] for speaker in members], axis=0) for members in parts]


_Parts = list[list[str]]
"""The speakers of training, validation and test part."""


def _search_further(corpus: _Corpus, sizes: Sequence[int], rng: np.random.Generator, source: str) -> _Parts:
    lacking: Counter[str] = Counter()
    for _ in range(_FURTHER_CANDIDATES):
        parts = _deal_speakers(corpus.speakers_of_gender, sizes, rng)
        if corpus.fits(parts):
            return parts
        train, _, test = corpus.class_counts(parts)
        lacking.update(
            name for name, there in zip(corpus.classes, (train > 0) & (test > 0), strict=True) if not there
        )
    worst = sorted(lacking, key=lambda name: (-lacking[name], name))[:3]
    raise UserError(
        f"{source}: of {_CANDIDATES + _FURTHER_CANDIDATES} splits of the {len(corpus.speakers)} speakers "
        f"({sizes[0]} train, {sizes[1]} validation, {sizes[2]} test) none has every class in training and "
        f"test: too few speakers recorded {', '.join(worst)}; drop the class, add speakers, change "
        "train_test_split, or set speaker_independent_scenario to false"
    )


def _deal_speakers(
    speakers_of_gender: Mapping[str, Sequence[str]], sizes: Sequence[int], rng: np.random.Generator
) -> _Parts:
    """A random split of the speakers with every gender spread evenly over the parts."""
    numbers = _speakers_by_gender(sizes, {g: len(of) for g, of in speakers_of_gender.items()}, rng)
    parts: _Parts = [[] for _ in PARTS]
    for gender, speakers in speakers_of_gender.items():
        for part, members in zip(parts, _cut(_shuffled(speakers, rng), numbers[gender]), strict=True):
            part.extend(members)
    return parts


def _speakers_by_gender(
    sizes: Sequence[int], genders: Mapping[str, int], rng: np.random.Generator
) -> dict[str, tuple[int, ...]]:
    """How many speakers of each gender go to each part; ties are broken at random.

    Largest remainder in two directions at once: each number is the exact share rounded down or up, parts and
    genders add up, and the sum of the distances from the exact shares is least. (Apportioning one part after
    the other would heap the rounding errors of all on the last.) Gender by gender, `best` keeps the cheapest
    way to every number of places left in the parts; there is always one that fills them all.
    """
    total = sum(sizes)
    best: dict[tuple[int, ...], tuple[int, dict[str, tuple[int, ...]]]] = {tuple(sizes): (0, {})}
    for gender in _shuffled(list(genders), rng):
        shares = [size * genders[gender] for size in sizes]  # in units of 1 / total
        roundings = _shuffled(list(_roundings(shares, total)), rng)
        reached: dict[tuple[int, ...], tuple[int, dict[str, tuple[int, ...]]]] = {}
        for (places, (cost, chosen)), numbers in product(best.items(), roundings):
            left = tuple(place - number for place, number in zip(places, numbers, strict=True))
            farther = cost + sum(abs(n * total - share) for n, share in zip(numbers, shares, strict=True))
            if min(left) >= 0 and (left not in reached or farther < reached[left][0]):
                reached[left] = (farther, chosen | {gender: numbers})
        best = reached
    return best[(0,) * len(sizes)][1]


def _roundings(shares: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """All ways to round `shares / total` down or up with the sum kept."""
    for numbers in product(*(sorted({share // total, -(-share // total)}) for share in shares)):
        if sum(numbers) * total == sum(shares):
            yield numbers


def _part_sizes(count: int, train_test_split: float) -> tuple[int, int, int]:
    """Whole numbers for N², N(1−N) and 1−N of `count` ≥ 3, each at least one; training gets the rest."""
    _, validation, test = (math.floor(count * share + Fraction(1, 2)) for share in _shares(train_test_split))
    test = min(max(test, 1), count - 2)
    validation = min(max(validation, 1), count - 1 - test)
    return count - validation - test, validation, test


def _shares(train_test_split: float) -> tuple[Fraction, Fraction, Fraction]:
    kept = Fraction(str(train_test_split))
    return kept * kept, kept * (1 - kept), 1 - kept


def _proportions(counts: np.ndarray) -> list[Fraction]:
    total = int(counts.sum())
    return [Fraction(int(count), total) for count in counts]


def _total_variation(some: Sequence[Fraction], others: Sequence[Fraction]) -> Fraction:
    return sum((abs(a - b) for a, b in zip(some, others, strict=True)), Fraction(0)) / 2


def _shuffled(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    # By sorting keys: what `permutation` draws may change with the version of NumPy, a split must not.
    return [items[i] for i in np.argsort(rng.random(len(items)), kind="stable")]


def _cut(items: Sequence[T], sizes: Sequence[int]) -> Iterator[Sequence[T]]:
    start = 0
    for size in sizes:
        yield items[start : start + size]
        start += size


def _classes(table: pd.DataFrame, label_column: str | None) -> pd.Series:
    """The class of each row; one for all where there are none."""
    if label_column is None:
        return pd.Series("", index=table.index)
    return table[label_column].astype(str)


def _check_arguments(train_test_split: float, seed: int, source: str) -> None:
    if not 0 < train_test_split < 1:
        raise UserError(
            f"{source}: train_test_split is {train_test_split}; it must lie between 0 and 1, say 0.8"
        )
    if seed < 0:
        raise UserError(f"{source}: seed is {seed}; it must be 0 or more")


def _gender_of_speakers(actors: pd.Series, genders: pd.Series, source: str) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for speaker, gender in zip(actors, genders, strict=True):
        found.setdefault(speaker, set()).add(gender)
    if several := sorted(speaker for speaker, of in found.items() if len(of) > 1):
        named = "; ".join(
            f"speaker {speaker} as {' and '.join(sorted(found[speaker]))}" for speaker in several
        )
        raise UserError(f"{source}: two genders for one speaker: {named}; give each speaker one")
    return {speaker: of.pop() for speaker, of in found.items()}


def _check_speakers(
    speakers: Sequence[str], classes: Sequence[str], counts: Mapping[str, np.ndarray], source: str
) -> None:
    mend = "add speakers, or set speaker_independent_scenario to false"
    if len(speakers) < len(PARTS):
        in_all = ("no speaker", "one speaker", "two speakers")[len(speakers)]
        raise UserError(
            f"{source}: {in_all} in all; a speaker-independent split needs at least three: {mend}"
        )
    alone = []
    for i, name in enumerate(classes):
        recorded_by = [speaker for speaker in speakers if counts[speaker][i] > 0]
        if len(recorded_by) == 1:
            alone.append(f"class {name} (by {recorded_by[0]})")
    if alone:
        raise UserError(
            f"{source}: recorded by one speaker alone: {listed(alone)}; training and test part both need a "
            f"speaker of each class: drop the class, {mend}"
        )
