"""Vectors are checked, centred, standardised and narrowed."""

import numpy as np
import pytest

from kser.analysis.vectors import centred_within, checked, narrow, row_blocks, standardised
from kser.errors import UserError
from tests.analysis.made_up import random_vectors


def test_standardised_channels_have_variance_one_and_constants_are_zero():
    vectors = random_vectors(50, 4) * [1, 10, 100, 0] + 0.1
    result = standardised(vectors)
    assert result.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert result.std(axis=0) == pytest.approx([1, 1, 1, 0])
    assert result.dtype == np.float64


def test_each_group_has_its_own_mean():
    vectors, speakers = random_vectors(9, 2), list("abcabcabc")
    result = centred_within(vectors, speakers)
    assert result.reshape(3, 3, 2).mean(axis=0) == pytest.approx(np.zeros((3, 2)), abs=1e-12)
    assert result[0] - result[3] == pytest.approx(vectors[0] - vectors[3])


def test_narrowed_vectors_have_the_same_products():
    wide = random_vectors(5, 40)
    assert narrow(wide).shape == (5, 5)
    assert narrow(wide) @ narrow(wide).T == pytest.approx(wide @ wide.T)
    assert narrow(random_vectors(40, 5)).shape == (40, 5)


@pytest.mark.parametrize(("rows", "width"), [(10, 1), (10, 10**9), (7, 1_500_000)])
def test_blocks_go_through_all_rows_once(rows, width):
    assert np.concatenate([np.arange(rows)[block] for block in row_blocks(rows, width)]).tolist() == list(
        range(rows)
    )


def test_a_bad_value_far_down_is_found_by_its_row():
    vectors = np.ones((3000, 2000), dtype=np.float16)
    vectors[0, 0] = 2
    vectors[2500, 3] = np.nan
    with pytest.raises(UserError, match="layer 3: row 2500 has a value that is not finite"):
        checked(vectors, "layer 3")
