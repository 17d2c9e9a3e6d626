"""Patience counts evaluations that improved nothing; the best value is another matter."""

import math

import pytest

from kser.training.early_stopping import Patience, is_better


def ends_at(values, **settings):
    """The position of the evaluation that ends a run, or `None`."""
    patience = Patience(**{"patience": 2, "threshold": 0.0, "higher_is_better": False, **settings})
    return next((number for number, value in enumerate(values) if patience.is_over(value)), None)


@pytest.mark.parametrize(
    ("values", "settings", "end"),
    [
        ([3, 2, 1, 1, 1], {}, 4),
        ([3, 3, 2, 2, 1, 1], {}, None),
        ([1, 2, 3, 3, 3], {"higher_is_better": True}, 4),
        ([3, 4, 5], {"patience": None}, None),
        ([1.0, 0.9, 0.8, 0.7], {"threshold": 0.15}, None),  # 0.8 is 0.2 below 1.0
        ([1.0, 0.9, 0.86, 0.5], {"threshold": 0.15}, 2),
        ([1.0, 0.75, 0.75, 0.25], {"threshold": 0.25}, 2),  # an improvement is larger than the threshold
        ([math.nan, 1.0, math.nan, math.nan], {}, 3),
    ],
)
def test_ends_after_so_many_evaluations_without_an_improvement(values, settings, end):
    assert ends_at(values, **settings) == end


def test_evaluations_before_all_is_trained_do_not_count():
    patience = Patience(1, 0.0, higher_is_better=True)
    assert not patience.is_over(0.5, counts=False)
    assert not patience.is_over(0.4, counts=False)
    assert patience.is_over(0.5)


def test_continues_from_its_state():
    patience = Patience(3, 0.0, higher_is_better=False)
    for value in (1.0, 2.0, 2.0):
        patience.is_over(value)
    continued = Patience(3, 0.0, higher_is_better=False, **patience.state())
    assert continued == patience
    assert continued.is_over(1.0)


def test_nothing_and_no_number_are_worse_than_a_number():
    assert is_better(5.0, None, higher_is_better=False)
    assert is_better(5.0, math.nan, higher_is_better=False)
    assert not is_better(math.nan, 5.0, higher_is_better=True)
    assert not is_better(5.0, 5.0, higher_is_better=True)
