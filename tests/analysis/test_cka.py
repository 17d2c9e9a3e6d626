"""CKA against its definition, its invariances, and data in which there is nothing."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from kser.analysis.cka import hsic, linear_cka, linear_sums, rbf_cka, rbf_sums
from kser.analysis.vectors import centred
from kser.errors import UserError
from tests.analysis.made_up import random_vectors, related_pair, rotation

MEASURES = (linear_cka, rbf_cka)


def gaussian(vectors, bandwidth):
    return np.exp(-cdist(vectors, vectors, "sqeuclidean") / (2 * bandwidth**2))


def textbook_cka(first, second):
    """tr(KHLH) of whole Gram matrices."""
    centring = np.eye(len(first)) - 1 / len(first)
    one, other = centring @ first @ centring, centring @ second @ centring
    return np.trace(one @ other) / np.sqrt(np.trace(one @ one) * np.trace(other @ other))


def mean_over_quadruples(first, second):
    """E K₁₂L₁₂ + E K₁₂L₃₄ − 2 E K₁₂L₁₃ over all four different utterances."""
    terms = [
        first[a, b] * (second[a, b] + second[c, d] - 2 * second[a, c])
        for a, b, c, d in permutations(range(len(first)), 4)
    ]
    return np.mean(terms)


@pytest.mark.parametrize("n", [5, 40])
def test_biased_cka_is_that_of_whole_gram_matrices(n):
    first, second = related_pair(n)
    assert linear_cka(first, second, debiased=False) == pytest.approx(
        textbook_cka(first @ first.T, second @ second.T)
    )
    kernels = [gaussian(vectors, 0.7 * np.median(pdist(vectors))) for vectors in (first, second)]
    assert rbf_cka(first, second, fraction=0.7, debiased=False) == pytest.approx(textbook_cka(*kernels))


def test_of_more_channels_than_utterances_it_is_the_same():
    first, second = related_pair(30)
    wide = first @ rotation(50)[:6]
    for debiased in (True, False):
        assert linear_cka(wide, second, debiased=debiased) == pytest.approx(
            linear_cka(first, second, debiased=debiased)
        )


def test_unbiased_hsic_is_the_mean_over_all_quadruples():
    first, second = related_pair(8)
    expected = mean_over_quadruples(first @ first.T, second @ second.T)
    assert hsic(linear_sums([first, second]))[0, 1] == pytest.approx(expected)
    expected = mean_over_quadruples(gaussian(first, 1.5), gaussian(second, 2.5))
    assert hsic(rbf_sums([first, second], [1.5, 2.5]))[0, 1] == pytest.approx(expected)


def test_unbiased_hsic_of_all_batches_is_on_average_that_of_all_utterances():
    pair = related_pair(9)
    batches = [list(batch) for batch in combinations(range(9), 5)]
    mean = np.mean([hsic(linear_sums([vectors[batch] for vectors in pair])) for batch in batches], axis=0)
    assert mean == pytest.approx(hsic(linear_sums(pair)))


@pytest.mark.parametrize("measure", MEASURES)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.booleans())
@settings(max_examples=25, deadline=None)
def test_rotation_shift_and_scale_change_nothing(measure, seed, scale, debiased):
    first, second = related_pair(20, seed)
    moved = scale * (first @ rotation(6, seed)) + random_vectors(1, 6, seed)
    expected = measure(first, second, debiased=debiased)
    assert measure(moved, second, debiased=debiased) == pytest.approx(expected, abs=1e-6)
    assert measure(second, first, debiased=debiased) == pytest.approx(expected)
    assert measure(first, moved, debiased=debiased) == pytest.approx(1.0)
    assert -1 - 1e-9 <= expected <= 1 + 1e-9


def test_order_of_the_utterances_does_not_matter_if_it_is_the_same():
    first, second = related_pair(50)
    order = np.random.default_rng(1).permutation(50)
    assert linear_cka(first[order], second[order]) == pytest.approx(linear_cka(first, second))


@pytest.mark.parametrize("measure", MEASURES)
def test_of_independent_data_only_the_debiased_is_zero(measure):
    draws = [(random_vectors(100, 60, 2 * seed), random_vectors(100, 60, 2 * seed + 1)) for seed in range(40)]
    biased = [measure(*pair, debiased=False) for pair in draws]
    debiased = np.array([measure(*pair) for pair in draws])
    assert min(biased) > 0.3
    assert abs(debiased.mean()) < 4 * debiased.std() / np.sqrt(len(draws))
    assert np.abs(debiased).max() < 0.1


def test_the_number_in_the_module_s_description():
    pair = random_vectors(500, 1024, 0), random_vectors(500, 1024, 1)
    assert linear_cka(*pair, debiased=False) == pytest.approx(0.67, abs=0.005)
    assert linear_cka(*pair) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("measure", MEASURES)
def test_batches_estimate_what_all_utterances_give(measure):
    first, second = related_pair(1500)
    whole = measure(first, second)
    in_batches = [measure(first, second, batch_size=100, seed=seed) for seed in range(6)]
    assert np.mean(in_batches) == pytest.approx(whole, abs=0.01)
    assert measure(first, second, batch_size=5000) == pytest.approx(whole)
    assert measure(first, second, batch_size=100, seed=3) == in_batches[3]


def test_a_wide_kernel_is_nearly_linear():
    first, second = related_pair(60)
    assert rbf_cka(first, second, fraction=100) == pytest.approx(linear_cka(first, second), abs=1e-3)


def test_parts_of_the_utterances_add_up(monkeypatch):
    first, second = related_pair(70)
    whole = linear_cka(first, second), rbf_cka(first, second)
    monkeypatch.setattr(
        "kser.analysis.cka.row_blocks", lambda n, _: (slice(i, min(i + 9, n)) for i in range(0, n, 9))
    )
    assert (linear_cka(first, second), rbf_cka(first, second)) == pytest.approx(whole)


def test_half_precision_is_computed_in_float64():
    first, second = (vectors.astype(np.float16) for vectors in related_pair(300))
    expected = linear_cka(first.astype(np.float64), second.astype(np.float64))
    assert linear_cka(first, second) == pytest.approx(expected, abs=1e-12)


def test_files_larger_than_memory_are_gone_through_in_parts(tmp_path):
    first, second = related_pair(200)
    np.save(tmp_path / "layer.npy", first)
    mapped = np.load(tmp_path / "layer.npy", mmap_mode="r")
    assert linear_cka(mapped, second) == pytest.approx(linear_cka(first, second))


@pytest.mark.parametrize("measure", MEASURES)
def test_utterances_that_are_equally_far_apart_have_no_structure(measure):
    assert np.isnan(measure(np.eye(12), random_vectors(12, 3)))
    assert not np.isnan(measure(np.eye(12), random_vectors(12, 3), debiased=False))


def test_what_cannot_be_compared():
    first, second = related_pair(20)
    with pytest.raises(ValueError, match="first has 20 utterances but second has 19"):
        linear_cka(first, second[:19])
    with pytest.raises(ValueError, match=r"first has the shape \(20,\), not \(utterances, channels\)"):
        linear_cka(first[:, 0], second)
    with pytest.raises(UserError, match="first: 3 utterances are too few, at least 4"):
        linear_cka(first[:3], second[:3])
    with pytest.raises(UserError, match="second: all utterances have the same vector"):
        linear_cka(first, np.full((20, 3), 0.1))
    broken = second.copy()
    broken[7, 1] = np.inf
    with pytest.raises(UserError, match="second: row 7 has a value that is not finite"):
        rbf_cka(first, broken)
    with pytest.raises(ValueError, match="fraction must be above 0, got 0"):
        rbf_cka(first, second, fraction=0)
    with pytest.raises(ValueError, match="batches are debiased and of at least 4 utterances, got 3"):
        linear_cka(first, second, batch_size=3)
    with pytest.raises(ValueError, match="batches are debiased"):
        linear_cka(first, second, batch_size=10, debiased=False)
    mostly_equal = centred(np.repeat([[1.0, 2.0], [3.0, 4.5]], [18, 2], axis=0))
    with pytest.raises(UserError, match="first: more than half of the utterances' distances are 0"):
        rbf_cka(mostly_equal, second)
