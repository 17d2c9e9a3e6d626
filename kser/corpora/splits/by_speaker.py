"""Speaker-independent splits: whole speakers, dealt out at random by a seed.

Speakers are dealt out once, over all classes together: dealing them out per class leaks as soon as somebody
did not record every class.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from kser.corpora.splits.dealing import CANDIDATES, best_of_random, deal_parts
from kser.corpora.splits.exact import conflicting, exact_groups
from kser.corpora.splits.parts import (
    PARTS,
    check_arguments,
    part_shares,
    part_sizes,
    validation_shares,
    validation_sizes,
)
from kser.corpora.splits.speakers import Groups, Speakers, check_enough_speakers
from kser.errors import UserError
from kser.words import listed

_PART_IN_WORDS = ("training", "validation", "test")


def speaker_split(
    table: pd.DataFrame,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
    min_per_class: int = 0,
    candidates: int = CANDIDATES,
) -> pd.Series:
    """Split a corpus by speakers into training, validation and test part.

    With N = `train_test_split`, the parts get N², N(1−N) and 1−N of the speakers, each at least one. Every
    gender is spread over the parts as evenly as whole speakers allow: off its exact share by less than one.
    Among random splits of that kind, one is taken whose parts come close to the corpus in their class
    proportions and to the wanted shares of utterances. Every class occurs in training and test part: where
    that and the genders cannot both be had, the genders give way, as little as possible. A table that has
    such a split at all is split.

    The result depends on the seed and on who recorded what, not on the order of the rows or the machine.

    Args:
        table: one row per utterance, with the columns `actor`, `gender` and `label_column`.
        train_test_split: N, between 0 and 1.
        seed: a whole number from 0 on.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.
        min_per_class: utterances of every class that validation and test part must each have. Balanced
            proportions do not see to that: in EmoDB, where most speakers have one or two utterances of
            disgust, one split in eleven judges disgust in a held-out part by a single one. A seed whose
            split has them anyway keeps it.
        candidates: how many random splits the best balanced one is taken of. More come closer to the class
            proportions of the corpus, and make the splits of different seeds more alike.

    Returns:
        "train", "validation" or "test" for each row, with the index of `table`.

    Raises:
        UserError: fewer than three speakers, a speaker with two genders, a class that only one speaker
            recorded, or no split that has every class in training and test part.

    Examples:
        >>> table = pd.DataFrame({"actor": list("abc"), "gender": "female", "class_id": "joy"})
        >>> sorted(speaker_split(table, 0.8, seed=0))
        ['test', 'train', 'validation']
    """
    check_arguments(train_test_split, seed, source)
    speakers = Speakers.of(table, label_column, source)
    check_enough_speakers(speakers, source)
    shares, sizes = part_shares(train_test_split), part_sizes(len(speakers.names), train_test_split)
    rng = np.random.default_rng(seed)
    least = np.outer([1, min_per_class, max(1, min_per_class)], np.ones(len(speakers.classes), dtype=int))
    parts = _dealt(speakers, sizes, shares, least, rng, source, candidates)
    if parts is None:
        raise UserError(f"{source}: {_no_split(speakers, sizes, least, min_per_class, source)}")
    part_of = {speaker: part for part, members in zip(PARTS, parts, strict=True) for speaker in members}
    return table["actor"].astype(str).map(part_of).rename("part")


def validation_speakers(
    speakers: Speakers, train_test_split: float, seed: int, held_out: str, source: str
) -> list[str]:
    """Choose the speakers of the validation part where the test part is given.

    They are 1−N of the speakers, chosen as `speaker_split` does; the others have every class.

    Args:
        speakers: those that are not in the test part; their classes are all that a model is to learn.
        train_test_split: N.
        seed: a whole number from 0 on.
        held_out: the test part in a few words, for messages.
        source: what to call the corpus in messages.

    Raises:
        UserError: there are fewer than two speakers, or none can be spared in training.
    """
    names = speakers.names
    if len(names) < 2:
        raise UserError(
            f"{source}: besides {held_out} there is only one speaker ({names[0]}); training and validation "
            "part need a speaker each: add speakers, or change the parts"
        )
    shares = validation_shares(train_test_split)
    sizes = validation_sizes(len(names), train_test_split)
    least = np.outer([1, 0], np.ones(len(speakers.classes), dtype=int))
    parts = _dealt(speakers, sizes, shares, least, np.random.default_rng(seed), source)
    if parts is None:
        together = [position for _, position in conflicting(speakers, sizes, least, source)]
        raise UserError(
            f"{source}: with {held_out}, no choice of {sizes[1]} validation from {len(names)} speakers "
            f"leaves every class in training: {speakers.who_recorded_what(together)}; drop a class, add "
            "speakers, or change train_test_split"
        )
    return parts[1]


def _dealt(
    speakers: Speakers,
    sizes: Sequence[int],
    shares: Sequence[Fraction],
    least: np.ndarray,
    rng: np.random.Generator,
    source: str,
    candidates: int = CANDIDATES,
) -> Groups | None:
    """Parts that have `least` utterances of each class, dealt at random, else searched for; or `None`."""

    def fits(parts: Groups) -> bool:
        return bool((np.array(speakers.class_counts(parts)) >= least).all())

    dealt = best_of_random(
        lambda: deal_parts(speakers.of_gender, sizes, rng),
        fits,
        lambda parts: _cost(speakers, parts, shares),
        candidates,
    )
    return exact_groups(speakers, sizes, least, rng, source) if dealt is None else dealt


def _cost(speakers: Speakers, parts: Groups, shares: Sequence[Fraction]) -> Fraction:
    """How far the parts are from the corpus, and one for each class that the validation part lacks."""
    return speakers.imbalance(parts, shares) + int((speakers.class_counts(parts)[1] == 0).sum())


def _no_split(
    speakers: Speakers, sizes: Sequence[int], least: np.ndarray, min_per_class: int, source: str
) -> str:
    """What is impossible, and which speakers recorded the classes that it is about."""
    wanted, fewer = "every class in training and test", ""
    if min_per_class:
        wanted = f"every class in training and {min_per_class} utterances of it in validation and test"
        fewer = "lower min_per_class, "
    together = conflicting(speakers, sizes, least, source)
    asked = [
        f"{speakers.classes[position]} in {_PART_IN_WORDS[part]}"
        + (f" ({least[part, position]} utterances)" if least[part, position] > 1 else "")
        for part, position in together
    ]
    in_words = f"{sizes[0]} train, {sizes[1]} validation, {sizes[2]} test"
    impossible = "impossible together is" if len(asked) > 1 else "impossible is"
    return (
        f"no split of the {len(speakers.names)} speakers ({in_words}) has {wanted}, whatever their genders: "
        f"{impossible} {listed(asked)}; {speakers.who_recorded_what(position for _, position in together)}; "
        f"{fewer}drop the class, add speakers, change train_test_split, or set speaker_independent_scenario "
        "to false"
    )
