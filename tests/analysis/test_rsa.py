"""RSA against SciPy's distances and correlations."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from kser.analysis.rsa import dissimilarities, rsa
from kser.errors import UserError
from tests.analysis.made_up import random_vectors, related_pair, rotation


@pytest.mark.parametrize("dissimilarity", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize("channels", [5, 60])
def test_dissimilarities_are_those_of_scipy(dissimilarity, channels):
    vectors = random_vectors(30, channels) + 3
    expected = pdist(vectors, dissimilarity)
    assert dissimilarities(vectors, "vectors", dissimilarity) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("correlation", "function"), [("spearman", stats.spearmanr), ("pearson", stats.pearsonr)]
)
def test_it_is_the_correlation_of_dissimilarities(correlation, function):
    first, second = related_pair(40)
    expected = function(pdist(first, "cosine"), pdist(second, "cosine")).statistic
    assert rsa(first, second, dissimilarity="cosine", correlation=correlation) == pytest.approx(expected)


def test_rotations_are_alike_and_independent_data_are_not():
    vectors = random_vectors(80, 10)
    turned = 3 * vectors @ rotation(10)
    assert rsa(vectors, turned + 5, dissimilarity="euclidean") == pytest.approx(1.0)
    assert rsa(vectors, turned, dissimilarity="cosine") == pytest.approx(1.0)
    assert abs(rsa(vectors, random_vectors(80, 10, 1))) < 0.1


def test_of_many_utterances_some_are_drawn():
    first, second = related_pair(1000)
    whole = rsa(first, second)
    drawn = rsa(first, second, most=300, seed=1)
    assert drawn == pytest.approx(whole, abs=0.05)
    assert drawn == rsa(first, second, most=300, seed=1) != rsa(first, second, most=300, seed=2)


def test_equal_distances_have_no_order():
    assert np.isnan(rsa(np.eye(10), random_vectors(10, 4), dissimilarity="euclidean"))


def test_what_has_no_direction():
    first, second = related_pair(10)
    first[3] = 2.0
    with pytest.raises(UserError, match="first: row 3 has no direction; use Euclidean distances"):
        rsa(first, second)
    second[4] = 0.0
    with pytest.raises(UserError, match="second: row 4 has no direction"):
        rsa(first, second, dissimilarity="cosine")
    with pytest.raises(
        ValueError, match="dissimilarity must be one of correlation, cosine, euclidean, got 'l1'"
    ):
        rsa(first, second, dissimilarity="l1")
    with pytest.raises(ValueError, match="correlation must be one of spearman, pearson, got 'kendall'"):
        rsa(first, second, correlation="kendall")
    with pytest.raises(UserError, match="2 utterances are too few, at least 3"):
        rsa(first[:2], second[:2])
