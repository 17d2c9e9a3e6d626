"""Initial weights: drawn with NumPy from the seed, so that they are the same on every backend."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.initializers import SeededHeNormal, SeededNormal, zeros_instead_of_draws

INITIALIZERS = [SeededNormal(mean=0.0, stddev=0.02, seed=3), SeededHeNormal(seed=3)]


def drawn(initializer, shape=(40, 50)) -> np.ndarray:
    return ops.convert_to_numpy(initializer(shape, dtype="float32"))


def test_draws_are_numpys() -> None:
    expected = np.random.default_rng(3).normal(0.5, 0.02, size=(40, 50)).astype("float32")
    np.testing.assert_array_equal(drawn(SeededNormal(mean=0.5, stddev=0.02, seed=3)), expected)


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=lambda initializer: type(initializer).__name__)
def test_same_seed_same_draws_and_other_seed_others(initializer) -> None:
    cls, config = type(initializer), initializer.get_config()
    np.testing.assert_array_equal(drawn(cls.from_config(config)), drawn(initializer))
    assert not np.array_equal(drawn(cls.from_config({**config, "seed": 4})), drawn(initializer))


@pytest.mark.parametrize("cls", [SeededNormal, SeededHeNormal])
def test_without_a_seed_draws_follow_the_global_one(cls) -> None:
    def two_draws(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return [drawn(cls()), drawn(cls())]

    first, second = two_draws(0)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(two_draws(0), [first, second])
    assert not np.array_equal(two_draws(1)[0], first)


def test_normal_has_its_mean_and_deviation() -> None:
    draws = drawn(SeededNormal(mean=0.1, stddev=0.02, seed=0), (300, 300))
    assert draws.mean() == pytest.approx(0.1, abs=0.02 / 300 * 4)
    assert draws.std() == pytest.approx(0.02, rel=0.01)


def test_he_normal_keeps_the_variance_of_relu_layers() -> None:
    draws = drawn(SeededHeNormal(seed=0), (5, 64, 300))  # fan in: 5 · 64
    assert draws.mean() == pytest.approx(0, abs=1e-3)
    assert draws.std() == pytest.approx((2 / (5 * 64)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=lambda initializer: type(initializer).__name__)
def test_initializers_are_saved_and_loaded(initializer) -> None:
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(initializer))
    assert type(loaded) is type(initializer)
    np.testing.assert_array_equal(drawn(loaded), drawn(initializer))


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=lambda initializer: type(initializer).__name__)
def test_what_is_loaded_next_is_not_drawn(initializer) -> None:
    with pytest.raises(KeyError), zeros_instead_of_draws():
        assert not drawn(initializer).any()
        raise KeyError
    assert drawn(initializer).all()
