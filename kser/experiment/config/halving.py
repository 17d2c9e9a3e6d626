"""How many trials of how many epochs Hyperband makes.

Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization, JMLR 18, 2018. A bracket
begins with many candidates and few epochs, and lets the best third go on, with three times the epochs, until
few are left that have all of them. The numbers are those of KerasTuner's oracle (keras_tuner/src/tuners/
hyperband.py), once through all brackets; only private methods of it tell them, and a test compares them with
what it draws. A candidate that goes on is trained from the beginning: the learning rate falls over the epochs
that a trial has, so a short training is not the beginning of a long one.
"""

import math

FACTOR = 3


def brackets(epochs: int) -> list[list[tuple[int, int]]]:
    """Trials and their epochs, by bracket and round, the bracket with most candidates first.

    Args:
        epochs: of a candidate that comes to the end.
    """
    count = 1
    while epochs >= FACTOR**count:
        count += 1
    at_the_end = math.ceil(1 + math.log(epochs, FACTOR))
    return [
        [
            (
                math.ceil(at_the_end / (bracket + 1) * FACTOR ** (bracket - halved)),
                math.ceil(epochs / FACTOR ** (bracket - halved)),
            )
            for halved in range(bracket + 1)
        ]
        for bracket in reversed(range(count))
    ]


def trials(epochs: int) -> int:
    """How many trials a search makes."""
    return sum(size for bracket in brackets(epochs) for size, _ in bracket)


def first_draws(epochs: int) -> int:
    """How many different candidates are drawn."""
    return sum(bracket[0][0] for bracket in brackets(epochs))


def fewest_epochs(epochs: int) -> int:
    """Epochs of the shortest trials."""
    return brackets(epochs)[0][0][1]
