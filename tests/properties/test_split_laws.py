"""Laws of the splits on random corpora: any speakers, any genders, any class missing for anybody."""

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.corpora.splits import (
    PARTS,
    SplitScheme,
    describe_split,
    fixed_split,
    k_fold_split,
    leave_one_out_split,
    random_split,
    speaker_split,
    split_fingerprint,
    thin_classes,
)
from kser.errors import UserError

GENDERS = ("female", "male", "non-binary", "other", "unknown")
CLASSES = ("a", "b", "c", "d")


@st.composite
def corpora(draw: st.DrawFn) -> pd.DataFrame:
    """Speakers × classes with 0–3 utterances a cell; often with many empty cells."""
    genders = draw(st.lists(st.sampled_from(GENDERS), min_size=1, max_size=14))
    classes = CLASSES[: draw(st.integers(1, len(CLASSES)))]
    most = draw(st.integers(1, 3))
    rows = [
        {"utterance": f"{i}/{label}{k}.wav", "class_id": label, "actor": f"s{i}", "gender": gender}
        for i, gender in enumerate(genders)
        for label in classes
        for k in range(draw(st.integers(0, most)))
    ]
    if not rows:
        rows = [{"utterance": "0.wav", "class_id": "a", "actor": "s0", "gender": genders[0]}]
    return pd.DataFrame(rows)


shares = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**32)


@pytest.mark.thorough
@settings(deadline=None, max_examples=100)
@given(corpora(), shares, seeds, st.randoms(use_true_random=False))
def test_speaker_split(table: pd.DataFrame, share: float, seed: int, random) -> None:
    order = list(table.index)
    random.shuffle(order)
    shuffled = table.loc[order]
    try:
        parts = speaker_split(table, share, seed)
    except UserError as refused:
        assert_says_why(table, str(refused))
        assert_refused_alike(shuffled, share, seed, str(refused))
        return

    # every row is kept, in one of the three parts, under its own index
    assert parts.index.equals(table.index)
    assert set(parts) == set(PARTS)
    # no speaker in two parts
    assert (parts.groupby(table["actor"]).nunique() == 1).all()
    # every class in training and test
    for part in ("train", "test"):
        assert set(table["class_id"][parts == part]) == set(table["class_id"])
    assert_genders_are_as_even_as_can_be(table, parts)
    assert_sizes_are_as_asked(table, parts, share)
    # the order of the rows is of no account
    again = speaker_split(shuffled, share, seed)
    assert again.loc[table.index].tolist() == parts.tolist()
    assert split_fingerprint(shuffled, again) == split_fingerprint(table, parts)
    assert describe_split(table, parts)["utterances"].sum() == len(table)


@settings(deadline=None, max_examples=100)
@given(corpora(), shares, seeds, st.randoms(use_true_random=False))
def test_random_split(table: pd.DataFrame, share: float, seed: int, random) -> None:
    order = list(table.index)
    random.shuffle(order)
    counts = Counter(table["class_id"])
    try:
        parts = random_split(table, share, seed)
    except UserError:
        assert min(counts.values()) < len(PARTS)
        return
    assert parts.index.equals(table.index)
    for name in counts:
        assert set(parts[table["class_id"] == name]) == set(PARTS)
    assert random_split(table.loc[order], share, seed).loc[table.index].tolist() == parts.tolist()


@settings(deadline=None, max_examples=25)
@given(corpora(), shares, seeds, st.integers(1, 4))
def test_speaker_split_with_a_least_number_a_class(
    table: pd.DataFrame, share: float, seed: int, least: int
) -> None:
    try:
        parts = speaker_split(table, share, seed, min_per_class=least)
    except UserError as refused:
        assert "\n" not in str(refused)
        return
    assert thin_classes(table, parts, fewer_than=least) == []
    assert_independent_split(table, parts)
    plain = speaker_split(table, share, seed)
    # a split that has enough already is not another one
    assert plain.equals(parts) or thin_classes(table, plain, fewer_than=least)


@settings(deadline=None, max_examples=25)
@given(corpora(), st.integers(2, 6), shares, st.integers(0, 20), st.integers(0, 2**32))
def test_k_fold(table: pd.DataFrame, folds: int, share: float, seed: int, folds_seed: int) -> None:
    def split(seed: int) -> pd.Series:
        return k_fold_split(table, folds, share, seed, folds_seed=folds_seed)

    tested = assert_folds(table, folds, split)
    if tested is None:
        return
    gender_of = table.groupby("actor")["gender"].first()
    sizes = [len(speakers) for speakers in tested]
    assert max(sizes) - min(sizes) <= 1
    of_class = table.groupby("class_id")["actor"].agg(set)
    for gender in set(gender_of):
        of_gender = [sum(gender_of[speaker] == gender for speaker in speakers) for speakers in tested]
        # genders give way only where a class would else be in one fold
        assert max(of_gender) - min(of_gender) <= 1 or min(map(len, of_class)) <= max(sizes)
    # whatever the seed, the folds are the same
    assert set(table["actor"][split(seed) == "test"]) == tested[seed % folds]


@settings(deadline=None, max_examples=25)
@given(corpora(), shares, st.integers(1, 5))
def test_leave_one_out(table: pd.DataFrame, share: float, sessions: int) -> None:
    number = table["actor"].str.removeprefix("s").astype(int)
    table = table.assign(session=(number % sessions).astype(str))
    for column in ("actor", "session"):
        folds = table[column].nunique()
        tested = assert_folds(
            table, folds, lambda seed, column=column: leave_one_out_split(table, column, share, seed)
        )
        if tested is not None:
            assert sorted(map(sorted, tested)) == sorted(
                sorted(set(speakers)) for _, speakers in table.groupby(column)["actor"]
            )


@settings(deadline=None, max_examples=60)
@given(corpora(), shares, seeds, st.data())
def test_fixed_split(table: pd.DataFrame, share: float, seed: int, data: st.DataObject) -> None:
    names = st.sampled_from(["train", "train", "dev", "test", "none"])
    by_speaker = data.draw(st.booleans())
    if by_speaker:
        part_of = {speaker: data.draw(names) for speaker in sorted(set(table["actor"]))}
        table = table.assign(set=table["actor"].map(part_of))
    else:
        table = table.assign(set=[data.draw(names) for _ in table.index])
    occurring = set(table["set"])
    named = {"train": ["train"], "validation": ["dev"], "test": ["test"]}
    named = {
        part: values for part, values in named.items() if set(values) <= occurring or part != "validation"
    }
    try:
        parts = fixed_split(table, "set", share, seed, parts=named)
    except UserError as refused:
        assert "\n" not in str(refused)
        assert_no_fixed_split(table, str(refused))
        return
    used = parts != ""
    assert used.equals((table["set"] != "none").rename("part"))
    assert_independent_split(table[used], parts[used])
    assert set(parts) >= set(PARTS)
    given = {"dev": "validation", "test": "test"} if "dev" in occurring else {"test": "test"}
    for name, part in given.items():
        assert ((table["set"] == name) == (parts == part)).all()
    assert parts.equals(fixed_split(table.iloc[::-1], "set", share, seed, parts=named).loc[table.index])


schemes = st.sampled_from(
    [
        SplitScheme(),
        SplitScheme("random"),
        SplitScheme("leave_one_speaker_out"),
        SplitScheme("k_fold", folds=3),
        SplitScheme("fixed", column="set"),
        SplitScheme("fixed", column="set", allow_shared_speakers=True),
    ]
)


@settings(deadline=None, max_examples=50)
@given(corpora(), schemes, seeds, st.randoms(use_true_random=False))
def test_every_scheme_splits_or_says_why(table: pd.DataFrame, scheme: SplitScheme, seed: int, random) -> None:
    table = table.assign(set=["train" if i % 3 else "test" for i in range(len(table))])
    order = list(table.index)
    random.shuffle(order)
    outcomes = []
    for rows in (table, table.loc[order]):
        try:
            parts = scheme.apply(rows, seed)
        except UserError as refused:
            assert "\n" not in str(refused)
            outcomes.append(str(refused))
        else:
            assert parts.index.equals(rows.index)
            assert set(parts) == set(PARTS)
            assert set(rows["class_id"][parts == "train"]) == set(rows["class_id"])
            outcomes.append(split_fingerprint(table, parts))
    assert outcomes[0] == outcomes[1]


def assert_independent_split(table: pd.DataFrame, parts: pd.Series) -> None:
    assert parts.index.equals(table.index)
    assert set(parts) <= set(PARTS)
    assert (parts.groupby(table["actor"]).nunique() == 1).all()
    assert set(table["class_id"][parts == "train"]) == set(table["class_id"])


def assert_folds(table: pd.DataFrame, folds: int, split) -> list[set[str]] | None:
    """The speakers that each fold tests on, everybody once; `None` when a fold is refused, with a reason."""
    tested = []
    for seed in range(folds):
        try:
            parts = split(seed)
        except UserError as refused:
            assert "\n" not in str(refused)
            assert_no_fold(table, str(refused))
            return None
        assert_independent_split(table, parts)
        assert set(parts) == set(PARTS)
        tested.append(set(table["actor"][parts == "test"]))
    assert sorted(speaker for speakers in tested for speaker in speakers) == sorted(set(table["actor"]))
    return tested


def assert_no_fold(table: pd.DataFrame, message: str) -> None:
    speakers, of_class = set(table["actor"]), table.groupby("class_id")["actor"].agg(set)
    if "in all; a speaker-independent split" in message:
        assert len(speakers) < 3
    elif "recorded by only one speaker" in message:
        assert min(map(len, of_class)) == 1
    elif "folds must be between 2 and" in message:
        assert len(speakers) < 6
    elif "in every row; two folds" in message:
        assert table["session"].nunique() == 1
    elif "classes of only one fold" in message:
        assert table.groupby("class_id")["session"].nunique().min() == 1
    elif "there is only one speaker" in message:
        # three speakers in two folds, or all others in one session
        assert len(speakers) == 3 or table.groupby("session")["actor"].nunique().max() == len(speakers) - 1
    elif found := re.search(r"no choice of (\d+) validation from (\d+) speakers leaves", message):
        validation, others = map(int, found.groups())  # they and the test part can have all of a class
        assert min(map(len, of_class)) <= len(speakers) - others + validation
    else:
        found = re.search(r"no way to make (\d+) folds of (\d+) speakers, whatever", message)
        assert found and int(found[2]) == len(speakers)
        assert min(map(len, of_class)) <= -(-len(speakers) // int(found[1]))


def assert_no_fixed_split(table: pd.DataFrame, message: str) -> None:
    used = table[table["set"] != "none"]
    training = used[used["set"] == "train"]
    if "no row has" in message or "no row is for" in message:
        assert not {"train", "test"} <= set(table["set"])
    elif "speakers in two parts" in message:
        assert used.groupby("actor")["set"].nunique().max() > 1
    elif "the training part has no utterance" in message:
        assert set(training["class_id"]) < set(used["class_id"])
    elif "there is only one speaker" in message:
        assert training["actor"].nunique() == 1 and "dev" not in set(used["set"])
    else:
        assert "leaves every class in training" in message
        assert "dev" not in set(used["set"])


def assert_says_why(table: pd.DataFrame, message: str) -> None:
    speakers_of_class = table.groupby("class_id")["actor"].nunique()
    assert "\n" not in message
    if table["actor"].nunique() < len(PARTS):
        assert "in all" in message
    elif (speakers_of_class == 1).any():
        assert "by only one speaker" in message
        assert all(f"class {name} (" in message for name in speakers_of_class.index[speakers_of_class == 1])
    else:
        found = re.search(
            r"\((\d+) train, (\d+) validation, (\d+) test\) has every class in training", message
        )
        assert found
        assert next(valid_splits(table, tuple(map(int, found.groups()))), None) is None


def valid_splits(table: pd.DataFrame, sizes: tuple[int, ...]) -> Iterator[tuple[set[str], ...]]:
    """Every choice of training, validation and test speakers that has all classes where they must be."""
    classes_of = table.groupby("actor")["class_id"].agg(set).to_dict()
    everybody, classes = set(classes_of), set(table["class_id"])
    for test in map(set, combinations(sorted(everybody), sizes[2])):
        if set().union(*(classes_of[speaker] for speaker in test)) == classes:
            for validation in map(set, combinations(sorted(everybody - test), sizes[1])):
                train = everybody - test - validation
                if set().union(*(classes_of[speaker] for speaker in train)) == classes:
                    yield train, validation, test


def assert_refused_alike(table: pd.DataFrame, share: float, seed: int, message: str) -> None:
    try:
        speaker_split(table, share, seed)
    except UserError as refused:
        assert str(refused) == message
    else:
        raise AssertionError("the order of the rows decided whether there is a split")


def assert_genders_are_as_even_as_can_be(table: pd.DataFrame, parts: pd.Series) -> None:
    """Off their exact shares by less than one speaker; where that cannot be, by as little as it can."""
    gender_of = table.groupby("actor")["gender"].first()
    found = tuple(set(table["actor"][parts == part]) for part in PARTS)
    distances = gender_distances(gender_of, found)
    if max(distances) >= 1:
        others = valid_splits(table, tuple(map(len, found)))
        assert sum(distances) == min(sum(gender_distances(gender_of, other)) for other in others)


def gender_distances(gender_of: pd.Series, groups: tuple[set[str], ...]) -> list[Fraction]:
    of_gender = Counter(gender_of)
    return [
        abs(
            sum(gender_of[speaker] == gender for speaker in group)
            - Fraction(len(group) * of_gender[gender], len(gender_of))
        )
        for group in groups
        for gender in of_gender
    ]


def assert_sizes_are_as_asked(table: pd.DataFrame, parts: pd.Series, share: float) -> None:
    speakers = table["actor"].nunique()
    sizes = table["actor"].groupby(parts).nunique()
    wanted = np.array([share**2, share * (1 - share), 1 - share]) * speakers
    # rounding costs half a speaker in validation and test; one for each part may cost up to two more
    assert np.abs(sizes.loc[list(PARTS)].to_numpy() - wanted).max() <= 2
