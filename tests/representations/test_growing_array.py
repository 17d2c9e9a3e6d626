"""A NumPy file that grows, and what is left of it after an interruption."""

import numpy as np
import pytest

from kser.representations.growing_array import GrowingArray


@pytest.fixture
def array(tmp_path) -> GrowingArray:
    growing = GrowingArray(tmp_path / "rows.npy", 3, np.dtype("<f4"))
    growing.begin()
    return growing


def test_rows_are_read_by_numpy(array):
    rows = np.arange(15, dtype="<f4").reshape(5, 3)
    array.append(rows[:2])
    array.append(rows[2:])
    array.close(5)
    np.testing.assert_array_equal(np.load(array.path), rows)


def test_what_was_added_later_is_cut_off(array):
    array.append(np.ones((4, 3), "<f4"))
    array.cut(1)
    array.append(np.zeros((1, 3), "<f4"))
    array.close(2)
    np.testing.assert_array_equal(np.load(array.path), [[1, 1, 1], [0, 0, 0]])
    with pytest.raises(ValueError, match="shorter"):
        array.cut(3)
