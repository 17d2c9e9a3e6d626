"""Ranks, silhouettes, maps and drift of arrays of which they are known."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from kser.analysis.drift import layer_drift
from kser.analysis.geometry import effective_rank, participation_ratio, rankme, silhouette
from kser.analysis.maps import pca_map, umap_map
from kser.analysis.vectors import centred_within
from kser.errors import UserError
from tests.analysis.made_up import random_vectors, rotation


def with_singular_values(values, n=30):
    """Centred vectors with these singular values."""
    left = random_vectors(n, len(values))
    left = np.linalg.qr(left - left.mean(axis=0))[0]
    return left * values @ rotation(len(values))


@pytest.mark.parametrize("measure", [participation_ratio, effective_rank, rankme])
def test_equal_directions_are_counted(measure):
    assert measure(with_singular_values([3.0] * 7)) == pytest.approx(7)
    assert measure(with_singular_values([3.0, 3.0, 0.0, 0.0])) == pytest.approx(2)
    assert measure(50 * with_singular_values([3.0, 2.0, 1.0])) == pytest.approx(
        measure(with_singular_values([3.0, 2.0, 1.0]))
    )


def test_ranks_follow_their_formulas():
    values = np.array([4.0, 2.0, 1.0])
    vectors = with_singular_values(values)
    assert participation_ratio(vectors) == pytest.approx((16 + 4 + 1) ** 2 / (256 + 16 + 1))
    shares = values / 7
    assert effective_rank(vectors) == pytest.approx(np.exp(-shares @ np.log(shares)))
    assert effective_rank(vectors + 100) == pytest.approx(effective_rank(vectors))
    assert rankme(vectors + 100) < 1.2


def test_emotions_lie_together_once_voices_are_taken_out():
    rng = np.random.default_rng(0)
    speaker, emotion = np.indices((8, 15)).reshape(2, -1)
    emotion %= 3
    vectors = 5 * rng.normal(size=(8, 10))[speaker] + 2 * rng.normal(size=(3, 10))[emotion]
    vectors += rng.normal(size=vectors.shape)
    assert silhouette(vectors, speaker) > 0.4
    assert silhouette(vectors, emotion) < 0.1
    assert silhouette(centred_within(vectors, speaker), emotion) > 0.4
    assert silhouette(vectors, speaker, metric="cosine") > 0.4


def test_silhouette_is_rousseeuw_s():
    vectors, labels = random_vectors(12, 3), np.arange(12) % 3
    distances = cdist(vectors, vectors)
    values = []
    for i in range(12):
        own = distances[i][(labels == labels[i]) & (np.arange(12) != i)].mean()
        other = min(distances[i][labels == label].mean() for label in set(labels) - {labels[i]})
        values.append((other - own) / max(own, other))
    assert silhouette(vectors, labels) == pytest.approx(np.mean(values))


def test_a_silhouette_needs_labels():
    vectors = random_vectors(5, 2)
    for labels in (["a"] * 5, list("abcde")):
        with pytest.raises(UserError, match="labels: 5 utterances need 2 to 4 of them"):
            silhouette(vectors, labels)


def test_the_plane_of_the_largest_variance():
    vectors = with_singular_values([9.0, 5.0, 1.0, 0.5])
    points, shares = pca_map(vectors + 7)
    reference = PCA(2).fit(vectors)
    assert np.abs(points) == pytest.approx(np.abs(reference.transform(vectors)))
    assert shares == pytest.approx(reference.explained_variance_ratio_)
    assert pca_map(np.ascontiguousarray(vectors[:, ::-1]))[0] == pytest.approx(points)
    with pytest.raises(UserError, match="one channel makes no plane"):
        pca_map(vectors[:, :1])


def test_without_umap_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UserError, match=r"pip install 'kser\[umap\]'"):
        umap_map(random_vectors(30, 3))


@pytest.mark.slow
def test_umap_keeps_clusters_together_and_a_seed_repeats():
    pytest.importorskip("umap")
    cluster = np.arange(90) % 3
    vectors = random_vectors(90, 8) + 20 * random_vectors(3, 8, 1)[cluster]
    points = umap_map(vectors, seed=1)
    assert points.shape == (90, 2)
    assert silhouette(points, cluster) > 0.7
    assert np.array_equal(points, umap_map(vectors, seed=1))


def test_umap_needs_neighbours():
    with pytest.raises(ValueError, match="neighbours must be at least 2, got 1"):
        umap_map(random_vectors(30, 3), neighbours=1)
    with pytest.raises(UserError, match="16 utterances are too few, at least 17"):
        umap_map(random_vectors(16, 3))


def test_nothing_changed_is_no_drift():
    vectors = random_vectors(40, 6)
    assert layer_drift(vectors, vectors) == pytest.approx((0, 0, 0), abs=1e-12)


def test_each_drift_sees_its_own_changes():
    vectors = random_vectors(200, 6)
    scaled = layer_drift(vectors, 3 * vectors)
    assert scaled == pytest.approx((0, 0, 2), abs=1e-9)
    turned = layer_drift(vectors, vectors @ rotation(6))
    assert turned.rearranged == pytest.approx(0, abs=1e-9)
    assert turned.turned > 0.5
    new = layer_drift(vectors, random_vectors(200, 6, 1))
    assert new.rearranged == pytest.approx(1, abs=0.05)
    assert new.turned == pytest.approx(1, abs=0.1)
    assert new.moved == pytest.approx(np.sqrt(2), abs=0.1)


def test_drift_is_of_one_layer():
    vectors = random_vectors(10, 3)
    with pytest.raises(ValueError, match="first has 3 channels but second has 2"):
        layer_drift(vectors, vectors[:, :2])
    stopped = vectors.copy()
    stopped[4] = 0
    with pytest.raises(UserError, match="row 4 is 0, which has no direction"):
        layer_drift(vectors, stopped)
