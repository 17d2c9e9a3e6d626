"""Cross-validation: every speaker is in the test part of one fold; the seed draws the validation part."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from kser.corpora.labels import label_order
from kser.corpora.splits.by_speaker import validation_speakers
from kser.corpora.splits.columns import several_values, values_of
from kser.corpora.splits.dealing import best_of_random, deal_folds
from kser.corpora.splits.exact import exact_groups
from kser.corpora.splits.parts import check_arguments
from kser.corpora.splits.published import published_fold_numbers
from kser.corpora.splits.speakers import Groups, Speakers, check_enough_speakers
from kser.errors import UserError
from kser.words import listed


def leave_one_out_split(
    table: pd.DataFrame,
    column: str,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
) -> pd.Series:
    """Test on one speaker, or on one session, of a corpus; train on the others.

    The values of the column in canonical order are the folds, and the test part is fold `seed` modulo their
    number: so many seeds in sequence test on everybody once. 1−N of the remaining speakers are the validation
    part, chosen as `speaker_split` chooses. Every class occurs in the training part of every fold; the test
    part has what its speakers recorded.

    Args:
        table: one row per utterance, with the columns `actor`, `gender`, `column` and `label_column`.
        column: `actor` leaves one speaker out, the column with the sessions (IEMOCAP has five of two speakers
            each) a session.
        train_test_split: N, between 0 and 1.
        seed: chooses the fold and draws the validation part; from 0 on.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.

    Returns:
        "train", "validation" or "test" for each row, with the index of `table`.

    Raises:
        UserError: the column is missing or has an empty cell, a speaker under two values or only one value,
            too few speakers, or a class that occurs under only one value or has no speaker to spare.
    """
    check_arguments(train_test_split, seed, source)
    names = leave_one_out_folds(table, column, source)
    speakers = Speakers.of(table, label_column, source)
    check_enough_speakers(speakers, source)
    of_speaker = dict(zip(table["actor"].astype(str), values_of(table, column, source), strict=True))
    folds = [[speaker for speaker in speakers.names if of_speaker[speaker] == name] for name in names]
    _check_folds(speakers, folds, [f"{column} {name}" for name in names], source)
    fold = seed % len(folds)
    held_out = f"{column} {names[fold]} as test part"
    return _parts(table, speakers, folds[fold], train_test_split, seed, held_out, source)


def published_split(
    table: pd.DataFrame,
    corpus: str,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
) -> pd.Series:
    """Test on a fold that EmoBox published, see `kser.corpora.splits.published`; train on the others.

    EmoBox has no validation parts: 1−N of the remaining speakers are taken for it.

    Args:
        table: one row per utterance, with the columns `actor`, `gender`, `label_column` and the folds'.
        corpus: the name of its recipe.
        train_test_split: N, between 0 and 1.
        seed: chooses the fold, modulo their number, and draws the validation part; from 0 on.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.

    Returns:
        "train", "validation" or "test" for each row, with the index of `table`.

    Raises:
        UserError: there are no such folds, the table is not of the corpus, a speaker is in two folds,
            or a class would be missing in training.
    """
    check_arguments(train_test_split, seed, source)
    numbers = published_fold_numbers(table, corpus, source)
    if shared := several_values(table["actor"], (numbers + 1).astype(str)):
        raise UserError(f"{source}: speakers in two of EmoBox's folds of {corpus}: {listed(shared, '; ')}")
    speakers = Speakers.of(table, label_column, source)
    check_enough_speakers(speakers, source)
    of_speaker = dict(zip(table["actor"].astype(str), numbers, strict=True))
    folds = [
        [speaker for speaker in speakers.names if of_speaker[speaker] == number]
        for number in range(numbers.max() + 1)
    ]
    names = [f"fold {number + 1} of {len(folds)} of EmoBox" for number in range(len(folds))]
    _check_folds(speakers, folds, names, source)
    fold = seed % len(folds)
    held_out = f"{names[fold]} as test part"
    return _parts(table, speakers, folds[fold], train_test_split, seed, held_out, source)


def leave_one_out_folds(table: pd.DataFrame, column: str, source: str) -> list[str]:
    """What `leave_one_out_split` leaves out, fold after fold: the values of the column in canonical order.

    Raises:
        UserError: the column is missing or has an empty cell, a speaker under two values or only one value.
    """
    values = values_of(table, column, source)
    if empty := int((values == "").sum()):
        raise UserError(
            f"{source}: column {column!r} is empty in {empty} of {len(table)} rows; every utterance needs one"
        )
    if several := several_values(table["actor"], values):
        raise UserError(
            f"{source}: speakers under two values of {column!r}: {listed(several, '; ')}; with one left out, "
            "its speakers would still be in training: choose another column"
        )
    names = label_order(values)
    if len(names) < 2:
        raise UserError(f"{source}: column {column!r} is {names[0]!r} in every row; two folds are needed")
    return names


def k_fold_split(
    table: pd.DataFrame,
    folds: int,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
    folds_seed: int = 0,
) -> pd.Series:
    """Split a corpus into folds of whole speakers; test on one fold, train on the others.

    The folds' numbers of speakers differ by one at most, and so do their numbers of each gender, unless a
    class would then be in one fold only. Among random foldings of that kind, one is taken whose folds come
    close to the corpus in their class proportions and to equal shares of the utterances. The test part is
    fold `seed` modulo `folds`; 1−N of the remaining speakers are the validation part. Every class occurs in
    the training part of every fold, and in its test part as far as the speakers allow.

    Args:
        table: one row per utterance, with the columns `actor`, `gender` and `label_column`.
        folds: their number, from 2 to the number of speakers.
        train_test_split: N, between 0 and 1.
        seed: chooses the fold and draws the validation part; from 0 on.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.
        folds_seed: draws the folds, the same ones for all values of `seed`.

    Returns:
        "train", "validation" or "test" for each row, with the index of `table`.

    Raises:
        UserError: fewer than three speakers, more folds than speakers, a speaker with two genders, a class
            that only one speaker recorded, or no folding that leaves every class in training.
    """
    check_arguments(train_test_split, seed, source)
    speakers = Speakers.of(table, label_column, source)
    check_enough_speakers(speakers, source)
    if not 2 <= folds <= len(speakers.names):
        raise UserError(
            f"{source}: folds must be between 2 and {len(speakers.names)}, the number of speakers, "
            f"got {folds}"
        )
    members = _balanced_folds(speakers, folds, folds_seed, source)
    _check_folds(speakers, members, [f"fold {number + 1} of {folds}" for number in range(folds)], source)
    fold = seed % folds
    held_out = f"fold {fold + 1} of {folds} as test part"
    return _parts(table, speakers, members[fold], train_test_split, seed, held_out, source)


def _balanced_folds(speakers: Speakers, folds: int, folds_seed: int, source: str) -> Groups:
    rng = np.random.default_rng(folds_seed)
    shares = [Fraction(1, folds)] * folds
    whole = np.sum(list(speakers.counts.values()), axis=0)

    def fits(groups: Groups) -> bool:
        return all((of_fold < whole).all() for of_fold in speakers.class_counts(groups))

    def cost(groups: Groups) -> Fraction:
        absent = sum(int((of_fold == 0).sum()) for of_fold in speakers.class_counts(groups))
        return speakers.imbalance(groups, shares) + absent

    groups = best_of_random(lambda: deal_folds(speakers.of_gender, folds, rng), fits, cost)
    if groups is None:
        sizes = [len(members) for members in deal_folds(speakers.of_gender, folds, rng)]
        most = np.tile(whole - 1, (folds, 1))
        groups = exact_groups(speakers, sizes, np.zeros_like(most), rng, source, most)
    if groups is None:
        rare = sorted(range(len(speakers.classes)), key=lambda i: (len(speakers.who_recorded(i)), i))[:3]
        raise UserError(
            f"{source}: no way to make {folds} folds of {len(speakers.names)} speakers, whatever their "
            f"genders, leaves every class in training: {speakers.who_recorded_what(rare)}; drop the class, "
            "add speakers, or change folds"
        )
    return groups


def _check_folds(speakers: Speakers, folds: Groups, names: Sequence[str], source: str) -> None:
    """Raise `UserError` unless every fold can be the test part: better in the first run than in the last."""
    counts = speakers.class_counts(folds)
    whole = np.sum(counts, axis=0)
    in_one_fold = [
        f"class {speakers.classes[position]} ({name})"
        for name, of_fold in zip(names, counts, strict=True)
        for position in np.flatnonzero((of_fold > 0) & (of_fold == whole))
    ]
    if in_one_fold:
        raise UserError(
            f"{source}: classes of only one fold: {listed(in_one_fold)}; training would lack them where that "
            "fold is the test part: drop the class, or change the folds"
        )
    for name, members in zip(names, folds, strict=True):
        if len(speakers.names) - len(members) < 2:
            raise UserError(
                f"{source}: besides {name} there is only one speaker; training and validation part need a "
                "speaker each: add speakers, or change the folds"
            )


def _parts(
    table: pd.DataFrame,
    speakers: Speakers,
    test: Sequence[str],
    train_test_split: float,
    seed: int,
    held_out: str,
    source: str,
) -> pd.Series:
    others = speakers.among(set(speakers.names) - set(test))
    validation = validation_speakers(others, train_test_split, seed, held_out, source)
    part_of = dict.fromkeys(others.names, "train")
    part_of |= dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
    return table["actor"].astype(str).map(part_of).rename("part")
