"""Dealing speakers out at random with every gender spread as evenly as whole speakers allow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product

import numpy as np

from kser.corpora.splits.parts import cut, shuffled
from kser.corpora.splits.speakers import Groups

# Of so many random splits the best balanced one is taken. More would give every seed the same "best" split,
# and seeds are meant to vary it: the spread over seeds shows how much the choice of speakers matters.
CANDIDATES = 32
# Where few speakers recorded a class, a split that puts it where it must be may need a longer search.
FURTHER_CANDIDATES = 2000


def best_of_random(
    deal: Callable[[], Groups],
    fits: Callable[[Groups], bool],
    cost: Callable[[Groups], Fraction],
    candidates: int = CANDIDATES,
) -> Groups | None:
    """The cheapest fitting one of 32 random groupings, else the first fitting one of 2000 further ones.

    Args:
        deal: draws a grouping.
        fits: whether a grouping is valid.
        cost: how far it is from what is wanted.
        candidates: another number than 32.

    Returns:
        The grouping (the first one on ties), `None` when none fits.
    """
    drawn = [deal() for _ in range(candidates)]
    if fitting := [groups for groups in drawn if fits(groups)]:
        return min(fitting, key=cost)
    further = (deal() for _ in range(FURTHER_CANDIDATES))
    return next((groups for groups in further if fits(groups)), None)


def deal_parts(
    speakers_of_gender: Mapping[str, Sequence[str]], sizes: Sequence[int], rng: np.random.Generator
) -> Groups:
    """A random split into few parts of given sizes; each gender is off its exact share by less than one."""
    numbers = _speakers_by_gender(
        sizes, {gender: len(names) for gender, names in speakers_of_gender.items()}, rng
    )
    parts: Groups = [[] for _ in sizes]
    for gender, speakers in speakers_of_gender.items():
        for part, members in zip(parts, cut(shuffled(speakers, rng), numbers[gender]), strict=True):
            part.extend(members)
    return parts


def deal_folds(
    speakers_of_gender: Mapping[str, Sequence[str]], folds: int, rng: np.random.Generator
) -> Groups:
    """A random grouping: the folds' sizes differ by at most one, and so do their numbers of each gender.

    Gender after gender, the speakers go round the folds as cards round a table: each gender, and all of them
    together, are then a run of consecutive cards.
    """
    genders = shuffled(list(speakers_of_gender), rng)
    cards = [speaker for gender in genders for speaker in shuffled(speakers_of_gender[gender], rng)]
    return [cards[fold::folds] for fold in shuffled(range(folds), rng)]


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
    for gender in shuffled(list(genders), rng):
        shares = [size * genders[gender] for size in sizes]  # in units of 1 / total
        roundings = shuffled(list(_roundings(shares, total)), rng)
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
