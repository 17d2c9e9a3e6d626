"""A batch of one has no variance, and is not normalised by it."""

import keras
import numpy as np
import pytest

from kser.models.pooling.batch_normalization import FrameBatchNormalization
from tests.models.small_models import classifier, log_mel

VECTORS = np.random.default_rng(0).normal(3.0, 2.0, (4, 3)).astype("float32")


def trained_norm() -> FrameBatchNormalization:
    norm = FrameBatchNormalization()
    norm.build((None, 3))
    norm.moving_mean.assign([1.0, 2.0, 3.0])
    norm.moving_variance.assign([4.0, 1.0, 9.0])
    return norm


@pytest.mark.parametrize("filled", [1, 2])
def test_fewer_than_two_vectors_are_normalised_by_the_running_statistics(filled: int) -> None:
    norm = trained_norm()
    before = [np.asarray(keras.ops.convert_to_numpy(weight)) for weight in norm.non_trainable_weights]
    mask = np.arange(4) < filled
    normalised = np.asarray(keras.ops.convert_to_numpy(norm(VECTORS, training=True, mask=mask)))[:filled]
    after = [np.asarray(keras.ops.convert_to_numpy(weight)) for weight in norm.non_trainable_weights]
    mean, variance = before if filled == 1 else (VECTORS[:2].mean(axis=0), VECTORS[:2].var(axis=0))
    np.testing.assert_allclose(normalised, (VECTORS[:filled] - mean) / np.sqrt(variance + 1e-5), rtol=1e-4)
    for old, new, seen in zip(before, after, (mean, variance), strict=True):
        np.testing.assert_allclose(new, 0.9 * old + 0.1 * seen, rtol=1e-6)


def test_one_vector_without_a_mask_is_one_vector() -> None:
    normalised = trained_norm()(VECTORS[:1], training=True)
    expected = (VECTORS[:1] - [1.0, 2.0, 3.0]) / np.sqrt([4.0, 1.0, 9.0])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(normalised), expected, rtol=1e-4)


@pytest.mark.thorough
def test_a_head_learns_from_batches_of_one() -> None:
    keras.utils.set_random_seed(0)
    model = classifier(log_mel(), use_batch_norm=True, use_relu=False)
    sounds = np.random.default_rng(0).normal(size=(3, 1, 400)).astype("float32") * [
        [[0.01]],
        [[1.0]],
        [[1.0]],
    ]
    sounds[2] = np.sin(np.arange(400) / 2.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    losses = [
        float(model.train_on_batch(list(sounds[label]), np.array([label])))
        for _ in range(40)
        for label in range(3)
    ]
    assert np.mean(losses[-3:]) < 0.7 * np.log(3)
