"""SVCCA and PWCCA against closed forms and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import CCA

from kser.analysis.canonical_correlation import canonical_correlations, pwcca, svcca
from kser.errors import UserError
from tests.analysis.made_up import random_vectors, related_pair


def test_correlations_are_those_of_scikit_learn():
    first, second = related_pair(200)
    scores = CCA(n_components=3, tol=1e-12, max_iter=5000).fit_transform(first, second)
    expected = [
        np.corrcoef(one, other)[0, 1] for one, other in zip(*(side.T for side in scores), strict=True)
    ]
    assert canonical_correlations(first, second).correlations[:3] == pytest.approx(expected, abs=1e-6)


def test_of_one_channel_on_one_side_it_is_the_multiple_correlation():
    first, second = related_pair(60)
    design = np.column_stack([np.ones(60), first])
    fitted = design @ np.linalg.lstsq(design, second[:, 0], rcond=None)[0]
    expected = np.corrcoef(fitted, second[:, 0])[0, 1]
    assert svcca(first, second[:, :1], explained_variance=1.0) == pytest.approx(expected)
    assert pwcca(second[:, :1], first, explained_variance=1.0) == pytest.approx(expected)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_invertible_maps_change_nothing(seed):
    first, second = related_pair(40, seed)
    mapped = first @ (random_vectors(6, 6, seed) + 4 * np.eye(6)) + 10
    expected = canonical_correlations(first, second).correlations
    assert canonical_correlations(mapped, second).correlations == pytest.approx(expected, abs=1e-6)
    assert svcca(first, mapped, explained_variance=1.0) == pytest.approx(1.0)
    assert pwcca(first, mapped, explained_variance=1.0) == pytest.approx(1.0)
    assert np.all((expected >= 0) & (expected <= 1))


def test_shifts_do_not_matter_as_vectors_are_centred():
    first, second = related_pair(80)
    assert svcca(first + 1000, second) == pytest.approx(svcca(first, second), abs=1e-6)
    assert pwcca(first + 1000, second) == pytest.approx(pwcca(first, second), abs=1e-6)


def test_directions_of_little_variance_are_left_out():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(300, 2)) * 10
    first, second = (np.column_stack([shared, 0.01 * rng.normal(size=(300, 5))]) for _ in range(2))
    assert svcca(first, second) == pytest.approx(1.0, abs=1e-4)
    assert svcca(first, second, explained_variance=1.0) < 0.5
    assert pwcca(first, second, explained_variance=1.0) > 0.99


def test_pwcca_weighs_by_the_first():
    rng = np.random.default_rng(1)
    shared, noise = rng.normal(size=(2, 500, 1))
    first = np.column_stack([5 * shared, noise])
    second = np.column_stack([shared, 5 * rng.normal(size=(500, 1))])
    assert pwcca(first, second) > 0.8
    assert pwcca(second, first) < 0.3


def test_channels_that_repeat_others_add_nothing():
    first, second = related_pair(50)
    doubled = np.column_stack([first, first[:, ::-1]])
    assert svcca(doubled, second, explained_variance=1.0) == pytest.approx(
        svcca(first, second, explained_variance=1.0)
    )


def test_too_few_utterances_are_refused_as_correlations_would_be_one():
    first, second = random_vectors(20, 12, 0), random_vectors(20, 8, 1)
    with pytest.raises(
        UserError, match="20 utterances are too few for 12 and 8 directions: with fewer than 21"
    ):
        svcca(first, second, explained_variance=1.0)
    assert svcca(first, second, explained_variance=0.5) < 1
    with pytest.raises(ValueError, match=r"explained_variance must be above 0 and at most 1, got 1\.5"):
        pwcca(first, second, explained_variance=1.5)
