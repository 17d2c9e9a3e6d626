"""The loss counts classes by their weight and utterances by theirs, as PyTorch's weighted mean does."""

import keras
import numpy as np
import pytest

from kser.training.losses import ClassWeightedCrossentropy, inverse_count_weights


def weighted_mean(targets, logits, class_weights, sample_weights):
    """Σ wᵢ·lossᵢ / Σ wᵢ, written out."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    weights = np.asarray(class_weights)[targets] * sample_weights
    return (-log_probabilities[np.arange(len(targets)), targets] * weights).sum() / weights.sum()


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return (
        rng.integers(0, 3, 16),
        rng.normal(size=(16, 3)).astype("float32"),
        rng.uniform(size=16).astype("float32"),
    )


def test_is_the_weighted_mean(batch):
    targets, logits, weights = batch
    class_weights = [0.2, 1.0, 3.0]
    loss = ClassWeightedCrossentropy(class_weights)(targets, logits, sample_weight=weights)
    assert float(loss) == pytest.approx(weighted_mean(targets, logits, class_weights, weights), rel=1e-5)


def test_empty_places_do_not_count(batch):
    targets, logits, weights = batch
    loss = ClassWeightedCrossentropy([1.0, 2.0, 3.0])
    padded = loss(
        np.concatenate([targets, [0, 0]]),
        np.concatenate([logits, np.full((2, 3), 100.0, "float32")]),
        sample_weight=np.concatenate([weights, [0.0, 0.0]]),
    )
    assert float(padded) == pytest.approx(float(loss(targets, logits, sample_weight=weights)), rel=1e-6)


def test_scaling_all_class_weights_changes_nothing(batch):
    targets, logits, _ = batch
    losses = [
        float(ClassWeightedCrossentropy(np.array([1.0, 2.0, 3.0]) * scale)(targets, logits))
        for scale in (1, 7)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_survives_its_config():
    loss = ClassWeightedCrossentropy([0.5, 1.5])
    restored = keras.losses.deserialize(keras.losses.serialize(loss))
    assert restored.class_weights == [0.5, 1.5]


def test_inverse_count_weights_make_classes_equal():
    targets = np.array([0] * 8 + [1] * 2 + [3] * 1)
    weights = inverse_count_weights(targets, 4)
    totals = [weights[c] * (targets == c).sum() for c in (0, 1, 3)]
    assert totals == pytest.approx([totals[0]] * 3)
    assert weights[2] == 0
    assert np.mean([weights[c] for c in (0, 1, 3)]) == pytest.approx(1.0)


def test_smoothed_targets_are_those_of_keras(batch):
    targets, logits, weights = batch
    ours = ClassWeightedCrossentropy([1.0, 1.0, 1.0], label_smoothing=0.2)(targets, logits, weights)
    theirs = keras.losses.categorical_crossentropy(
        np.eye(3, dtype="float32")[targets], logits, from_logits=True, label_smoothing=0.2
    )
    expected = np.sum(keras.ops.convert_to_numpy(theirs) * weights) / weights.sum()
    assert float(ours) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_focal_loss_is_that_of_keras(batch, label_smoothing):
    targets, logits, _ = batch
    loss = ClassWeightedCrossentropy([1.0, 1.0, 1.0], label_smoothing, focal_gamma=2.0)
    theirs = keras.losses.categorical_focal_crossentropy(
        np.eye(3, dtype="float32")[targets],
        logits,
        alpha=1.0,
        gamma=2.0,
        from_logits=True,
        label_smoothing=label_smoothing,
    )
    expected = keras.ops.convert_to_numpy(theirs).mean()
    assert float(loss(targets, logits)) == pytest.approx(float(expected), rel=1e-4)


def test_focal_loss_counts_what_is_recognised_less():
    logits = np.array([[4.0, 0.0], [0.0, 4.0]], "float32")  # right, and wrong
    plain, focal = (
        keras.ops.convert_to_numpy(ClassWeightedCrossentropy([1.0, 1.0], 0.0, gamma).call([0, 0], logits))
        for gamma in (0.0, 2.0)
    )
    wrong = 1.0 / (1.0 + np.exp([4.0, -4.0]))
    np.testing.assert_allclose(focal, plain * wrong**2, rtol=1e-3)


def test_its_slope_is_finite_where_nothing_is_wrong():
    jax = pytest.importorskip("jax")
    if keras.config.backend() != "jax":
        pytest.skip("slopes by JAX")
    loss = ClassWeightedCrossentropy([1.0, 1.0], 0.0, focal_gamma=0.5)
    slope = jax.grad(lambda logits: loss(np.array([0]), logits))(np.array([[500.0, -500.0]], "float32"))
    assert np.isfinite(np.asarray(slope)).all()


@pytest.mark.thorough
def test_half_precision_logits_are_computed_in_float32(batch):
    targets, logits, _ = batch
    halves = keras.ops.cast(logits, "bfloat16")
    loss = ClassWeightedCrossentropy([1.0, 2.0, 3.0], 0.1, 1.0)
    assert keras.backend.standardize_dtype(loss(targets, halves).dtype) == "float32"
    assert float(loss(targets, halves)) == float(loss(targets, keras.ops.cast(halves, "float32")))
