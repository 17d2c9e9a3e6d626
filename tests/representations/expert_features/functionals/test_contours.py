"""What is told of a contour."""

import numpy as np
import pytest

from kser.representations.expert_features.functionals.contours import (
    deviation,
    mean,
    percentiles,
    runs,
    slopes,
    smoothed,
)


def test_runs():
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, bool)) == [] and runs(np.ones(3, bool)) == [(0, 3)]


def test_values_that_are_not_there_do_not_count():
    values = np.array([np.nan, 1, 3])
    assert mean(values) == 2 and deviation(values) == 1
    np.testing.assert_allclose(percentiles(values), [1.4, 2, 2.6])
    assert np.isnan([mean(values[:1]), deviation(values[:1]), *percentiles(values[:1])]).all()


def test_slopes_are_those_of_whole_rises_and_falls():
    rising, falling = slopes([np.array([0.0, 1, 3, 2]), np.array([5.0, 5, 6])])
    assert rising.tolist() == pytest.approx([150, 100]) and falling.tolist() == pytest.approx([-100])
    assert [part.size for part in slopes([np.ones(3), np.ones(1)])] == [0, 0]


def test_smoothing_keeps_a_line_but_for_its_ends():
    np.testing.assert_allclose(smoothed(np.arange(5.0)), [1 / 3, 1, 2, 3, 11 / 3])
