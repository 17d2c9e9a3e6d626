"""The weighted sum of hidden states."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.layer_weighting import WEIGHTINGS, LayerWeighting


def hidden_states(count: int = 3, shape: tuple[int, ...] = (2, 4, 5)) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype("float32") for _ in range(count)]


def weighted(layer: LayerWeighting, states: list[np.ndarray]) -> np.ndarray:
    return ops.convert_to_numpy(layer(states))


def test_new_softmax_weights_are_equal() -> None:
    states = hidden_states()
    layer = LayerWeighting("softmax")
    np.testing.assert_allclose(weighted(layer, states), np.mean(states, axis=0), atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.weights_of_layers()), [1 / 3] * 3, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 5)], ids=["frames", "vectors"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_sum_is_weighted(weighting: str, shape: tuple[int, ...]) -> None:
    states, weights = hidden_states(shape=shape), np.array([0.5, -1.0, 2.0], "float32")
    layer = LayerWeighting(weighting)
    layer.build([state.shape for state in states])
    layer.set_weights([weights])
    factors = np.exp(weights) / np.exp(weights).sum() if weighting == "softmax" else weights
    expected = np.tensordot(factors, states, axes=1)
    np.testing.assert_allclose(weighted(layer, states), expected, atol=1e-6)


def test_new_free_weights_are_those_of_a_normal_distribution() -> None:
    keras.utils.set_random_seed(0)
    layer = LayerWeighting("free")
    layer.build([(None, 1)] * 2000)
    weights = ops.convert_to_numpy(layer.weights_of_layers())
    assert abs(weights.mean()) < 0.1
    assert abs(weights.std() - 1.0) < 0.1


def test_sum_is_computed_in_float32_whatever_the_states_are_in() -> None:
    layer = LayerWeighting("free", dtype="mixed_bfloat16")
    layer.build([(1, 1)] * 9)
    layer.set_weights([np.ones(9)])
    result = layer([ops.cast([[value]], "bfloat16") for value in [256.0] + [1.0] * 8])
    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    assert ops.convert_to_numpy(ops.cast(result, "float32")).item() == 264.0  # in bfloat16, 256 + 1 is 256


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_config_brings_it_back(weighting: str) -> None:
    layer = LayerWeighting(weighting, name="any")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.get_config() == layer.get_config()
    symbolic = copy([keras.KerasTensor((None, None, 5))] * 3)
    assert symbolic.shape == (None, None, 5)


def test_unknown_weighting_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of \['softmax', 'free'\].*weighting='sparse'"):
        LayerWeighting("sparse")


def test_hidden_states_of_several_sizes_are_refused() -> None:
    with pytest.raises(
        ValueError, match="one size can be weighted; those of this backbone have 4, 8 channels"
    ):
        LayerWeighting().build([(None, None, 4), (None, None, 8)])
