"""The Procrustes distance is a metric of shapes, and that of SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes

from kser.analysis.procrustes import procrustes_distance
from kser.analysis.vectors import centred
from tests.analysis.made_up import random_vectors, related_pair, rotation


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_rotation_shift_and_scale_change_nothing(seed, scale):
    first, second = related_pair(15, seed)
    moved = scale * (first @ rotation(6, seed)) + random_vectors(1, 6, seed)
    assert procrustes_distance(first, moved) == pytest.approx(0.0, abs=1e-6)
    assert procrustes_distance(moved, second) == pytest.approx(procrustes_distance(first, second))


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_it_is_a_metric(seed):
    shapes = [random_vectors(9, channels, seed + channels) for channels in (2, 5, 14)]
    ab, bc, ac = (procrustes_distance(shapes[i], shapes[j]) for i, j in ((0, 1), (1, 2), (0, 2)))
    assert ab == pytest.approx(procrustes_distance(shapes[1], shapes[0]))
    assert ac <= ab + bc + 1e-9
    assert 0 < ab < np.sqrt(2)


def test_it_is_what_the_best_rotation_leaves():
    first, second = (centred(random_vectors(30, 5, seed)) for seed in (0, 1))
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    turned = second @ orthogonal_procrustes(second, first)[0]
    assert procrustes_distance(first, second) == pytest.approx(np.linalg.norm(first - turned))


def test_nothing_in_common_is_the_square_root_of_two():
    first = np.array([[1.0], [-1.0], [0.0], [0.0]])
    assert procrustes_distance(first, first[::-1]) == pytest.approx(np.sqrt(2))
