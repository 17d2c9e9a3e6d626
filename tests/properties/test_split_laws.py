"""Laws of the splits on random corpora: any speakers, any genders, any class missing for anybody."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.corpora.splits import PARTS, describe_split, random_split, speaker_split, split_fingerprint
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


@settings(deadline=None, max_examples=150)
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
    assert_genders_are_even(table, parts)
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


def assert_says_why(table: pd.DataFrame, message: str) -> None:
    speakers_of_class = table.groupby("class_id")["actor"].nunique()
    assert "\n" not in message
    if table["actor"].nunique() < len(PARTS):
        assert "in all" in message
    elif (speakers_of_class == 1).any():
        assert "by one speaker alone" in message
        assert all(f"class {name} (" in message for name in speakers_of_class.index[speakers_of_class == 1])
    else:
        assert "none has every class in training and test" in message


def assert_refused_alike(table: pd.DataFrame, share: float, seed: int, message: str) -> None:
    try:
        speaker_split(table, share, seed)
    except UserError as refused:
        assert str(refused) == message
    else:
        raise AssertionError("the order of the rows decided whether there is a split")


def assert_genders_are_even(table: pd.DataFrame, parts: pd.Series) -> None:
    speakers = pd.DataFrame(
        {"part": parts, "actor": table["actor"], "gender": table["gender"]}
    ).drop_duplicates()
    in_part, of_gender = Counter(speakers["part"]), Counter(speakers["gender"])
    there = Counter(zip(speakers["part"], speakers["gender"], strict=True))
    for part in PARTS:
        for gender in of_gender:
            exact = Fraction(in_part[part] * of_gender[gender], len(speakers))
            assert abs(there[part, gender] - exact) < 1


def assert_sizes_are_as_asked(table: pd.DataFrame, parts: pd.Series, share: float) -> None:
    speakers = table["actor"].nunique()
    sizes = table["actor"].groupby(parts).nunique()
    wanted = np.array([share**2, share * (1 - share), 1 - share]) * speakers
    # rounding costs half a speaker in validation and test; one for each part may cost up to two more
    assert np.abs(sizes.loc[list(PARTS)].to_numpy() - wanted).max() <= 2
