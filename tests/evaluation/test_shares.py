"""Parts of nothing are no numbers."""

import numpy as np

from kser.evaluation.shares import mean_of_defined, share


def test_a_part_of_nothing_is_not_defined_and_not_warned_of():
    values = share(np.array([[1, 0], [3, 2]]), np.array([2, 0]))
    np.testing.assert_array_equal(values, [[0.5, np.nan], [1.5, np.nan]])
    assert share(np.float64(1), np.float64(4)) == 0.25


def test_means_pass_over_what_is_not_defined():
    np.testing.assert_array_equal(
        mean_of_defined(np.array([[0.5, np.nan, 1.0], [np.nan] * 3])), [0.75, np.nan]
    )
