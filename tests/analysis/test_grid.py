"""Tables over layers and checkpoints: what was planted stands where it was planted."""

import numpy as np
import pytest

from kser.analysis.cka import linear_cka
from kser.analysis.drift import layer_drift
from kser.analysis.geometry import silhouette
from kser.analysis.grid import (
    drift_table,
    geometry_table,
    probe_table,
    similarity_bands,
    similarity_table,
    trajectory_table,
)
from kser.analysis.probes import ProbeSettings
from kser.analysis.procrustes import procrustes_distance
from kser.analysis.speaker_cka import speaker_cka
from kser.analysis.targets import ClassTarget, NumberTarget
from tests.analysis.made_up import random_vectors, rotation

N, CHANNELS = 120, 10
SPEAKERS, EMOTIONS = np.arange(N) // 12, np.arange(N) % 3
QUICK = ProbeSettings(folds=3, inner_folds=2, penalties=(10.0, 1e3))


@pytest.fixture(scope="module")
def layers():
    """Five layers of noise; the fourth holds the emotion, the last is the third turned."""
    noise = {layer: random_vectors(N, CHANNELS, layer) for layer in range(5)}
    noise[3] = noise[3] + 3 * random_vectors(3, CHANNELS, 9)[EMOTIONS]
    noise[4] = 2 * noise[2] @ rotation(CHANNELS)
    return noise


def test_a_turned_layer_is_found(layers):
    table = similarity_table(layers, layers)
    assert list(table.index) == list(table.columns) == list(range(5))
    assert table.loc[2, 4] == pytest.approx(1.0)
    assert np.diagonal(table) == pytest.approx(np.ones(5))
    assert abs(table.loc[[0, 1], [2, 3]].to_numpy()).max() < 0.15
    distances = similarity_table({2: layers[2]}, {"features": layers[4], 0: layers[0]}, procrustes_distance)
    assert distances.loc[2, "features"] == pytest.approx(0, abs=1e-6)
    assert distances.loc[2, 0] > 0.5


def test_intervals_of_similarities(layers):
    table = similarity_bands({0: layers[0], 2: layers[2]}, {4: layers[4]}, SPEAKERS)
    assert table.columns.tolist() == ["row", "column", "estimate", "low", "high"]
    expected = [speaker_cka(layers[layer], layers[4], SPEAKERS) for layer in (0, 2)]
    assert table["estimate"].tolist() == expected
    unrelated, turned = table.itertuples()
    assert unrelated.low < 0 < unrelated.high
    assert turned.low == pytest.approx(turned.high) == pytest.approx(1)
    distances = similarity_bands(
        {0: layers[0]}, {4: layers[4]}, SPEAKERS, lambda first, second, _: procrustes_distance(first, second)
    )
    assert distances.loc[0, "estimate"] == procrustes_distance(layers[0], layers[4])


@pytest.mark.thorough
def test_intervals_of_independent_layers_contain_zero():
    """Voices differ in both, but do not go together."""
    covered = 0
    for seed in range(100):
        one, other = (
            random_vectors(80, 6, 2 * seed + i)
            + random_vectors(10, 6, 10**6 + 2 * seed + i)[np.arange(80) // 8]
            for i in range(2)
        )
        ((_, _, _, _, low, high),) = similarity_bands({0: one}, {0: other}, np.arange(80) // 8).itertuples()
        covered += low <= 0 <= high
    assert covered >= 89  # of 95 expected


def test_drift_is_from_the_first_checkpoint(layers):
    trained = {layer: vectors if layer < 3 else 2 * vectors for layer, vectors in layers.items()}
    table = drift_table({0: layers, 50: trained, 100: dict(reversed(layers.items()))})
    assert table["checkpoint"].tolist() == [50] * 5 + [100] * 5
    assert table["layer"].tolist() == [*range(5), *range(5)]
    assert table["moved"].tolist() == pytest.approx([0, 0, 0, 1, 1] + [0] * 5)
    row = table.iloc[3]
    assert (row.rearranged, row.turned) == pytest.approx(layer_drift(layers[3], trained[3])[:2])


def test_feature_groups_are_followed_through_training(layers):
    features = {"planted": layers[3][:, :5], "noise": random_vectors(N, 5, 99)}
    trained = layers | {0: layers[3]}
    table = trajectory_table({0: layers, 50: trained}, features)
    assert len(table) == 2 * 5 * 2
    values = table.set_index(["checkpoint", "layer", "features"])["value"]
    assert values[50, 0, "planted"] == values[0, 3, "planted"] == linear_cka(layers[3], features["planted"])
    assert values[50, 0, "planted"] > 0.3 > values[0, 0, "planted"]


def test_geometry_of_each_layer(layers):
    table = geometry_table(layers, {"emotion": EMOTIONS, "speaker": SPEAKERS})
    assert table["silhouette_emotion"].idxmax() == 3
    assert table.loc[3, "silhouette_emotion"] == silhouette(layers[3], EMOTIONS)
    assert table["silhouette_speaker"].max() < 0
    assert table["participation_ratio"].idxmin() == 3
    assert "silhouette_emotion" not in geometry_table({0: layers[0]})


def test_the_probe_s_curve_rises_where_the_emotion_was_planted(layers):
    table = probe_table(
        layers,
        ClassTarget.of(EMOTIONS),
        SPEAKERS,
        speakers=SPEAKERS,
        draws=1,
        seeds=(0, 1),
        settings=QUICK,
    )
    assert table[["layer", "seed"]].to_numpy().tolist() == [
        [layer, seed] for layer in range(5) for seed in (0, 1)
    ]
    planted = table["layer"] == 3
    assert table.loc[planted, "score"].min() > 0.9
    assert table.loc[~planted, "score"].max() < 0.5
    assert (table["low"] <= table["score"]).all()
    assert (table["high"] >= table["score"]).all()
    assert table["selectivity"].to_numpy() == pytest.approx(table["score"] - table["control"])
    assert set(table["measure"]) == {"uar"}


def test_probes_of_feature_groups(layers):
    features = layers[3][:, :4] + 0.5 * random_vectors(N, 4, 20)
    table = probe_table(
        layers, NumberTarget.of(features), SPEAKERS, speakers=SPEAKERS, settings=QUICK
    ).set_index("layer")
    assert table["score"].idxmax() == 3
    assert table.loc[3, "low"] > 0.5
    assert "control" not in table
