"""The criterion of parity, by its laws; tests/parity holds what it tells apart."""

import numpy as np
import pytest

from kser.models.parity import (
    LOCAL_FLOOR,
    RELATIVE_FACTOR,
    RELATIVE_FLOOR,
    parity,
    worst_of,
)

EXACT = np.random.default_rng(0).normal(size=(50, 16))
"""Of root mean square 1, as good as."""


def with_error(relative: float, seed: int = 1) -> np.ndarray:
    """`EXACT`, wrong everywhere by that share of its norm."""
    noise = np.random.default_rng(seed).normal(size=EXACT.shape)
    return EXACT + noise * (relative * np.linalg.norm(EXACT) / np.linalg.norm(noise))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 632.0])
def test_scale_of_the_values_does_not_matter(scale: float) -> None:
    found = parity(scale * with_error(3e-6), scale * EXACT)
    assert found.deviation.relative == pytest.approx(3e-6)
    assert found.holds
    assert found.magnitude == pytest.approx(scale * np.abs(EXACT).max())
    assert not parity(scale * with_error(6e-6), scale * EXACT).holds


@pytest.mark.parametrize("rounding", [1.5e-6, 4e-6])
def test_a_few_times_the_rounding_of_transformers_is_allowed(rounding: float) -> None:
    rounded = with_error(rounding, seed=2)
    assert parity(with_error(0.99 * RELATIVE_FACTOR * rounding), EXACT, rounded).holds
    assert not parity(with_error(1.01 * RELATIVE_FACTOR * rounding), EXACT, rounded).holds


def test_rounding_that_is_none_by_luck_leaves_room() -> None:
    assert parity(with_error(0.99 * RELATIVE_FLOOR), EXACT, EXACT).holds
    assert not parity(with_error(1.01 * RELATIVE_FLOOR), EXACT, EXACT).holds


def test_error_at_one_number_of_many() -> None:
    exact = np.ones((1000, 100))  # so many that the norm does not see it
    wrong = exact.copy()
    wrong[3, 4] += 2 * LOCAL_FLOOR
    for rounded in (None, exact):
        found = parity(wrong, exact, rounded)
        assert found.deviation.relative < RELATIVE_FLOOR
        assert found.excess == pytest.approx(2)
    rounded = exact.copy()
    rounded[5, 6] += LOCAL_FLOOR / 10
    assert parity(wrong, exact, rounded).holds


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_never_holds(value: float) -> None:
    wrong = EXACT.copy()
    wrong[0, 0] = value
    assert not parity(wrong, EXACT).holds
    assert not parity(wrong, EXACT, EXACT).holds
    # nor where transformers itself computes none: then nothing was compared
    assert not parity(wrong, wrong, wrong).holds
    assert worst_of([parity(wrong, EXACT), parity(EXACT, EXACT)]).excess == np.inf


def test_zeros_equal_only_zeros() -> None:
    assert parity(np.zeros(3), np.zeros(3)).holds
    assert not parity(np.array([0.0, 1e-30, 0.0]), np.zeros(3)).holds


def test_shapes_must_be_equal() -> None:
    with pytest.raises(ValueError, match=r"`actual` is shaped \(1, 16\), `exact` \(50, 16\)"):
        parity(EXACT[:1], EXACT)
