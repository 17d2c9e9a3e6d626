"""Poolings: the laws that hold for all of them, what each gives, and parity with SpeechBrain's modules."""

import json
from functools import cache

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.pooling import (
    POOLINGS,
    AttentionPooling,
    AttentiveStatisticsPooling,
    EcapaTdnnPooling,
    FirstLastPooling,
    FramePooling,
    MaskedMaxPooling,
    MaskedMeanPooling,
    MaskedSumPooling,
    MultiHeadAttentionPooling,
    build_pooling,
)
from kser.models.pooling.time_delay_layers import reflect_padding
from tests.golden.pooling import MODULES, expected_pooling
from tests.models.small_poolings import POOLING_ARGUMENTS
from tests.parity.comparison import mask_of

CHANNELS = 6


class PoolingModel(keras.Model):
    """A pooling alone: compiled as a whole, which is faster than one operation after the other."""

    def __init__(self, pooling: FramePooling, training: bool):
        super().__init__()
        self.pooling = pooling
        self.mode = training
        self.built = True  # the pooling is

    def call(self, inputs):
        return self.pooling(*inputs, training=self.mode)


compiled = cache(PoolingModel)


def pooled(
    pooling: FramePooling, frames: np.ndarray, frame_mask: np.ndarray, training: bool = False
) -> np.ndarray:
    if not pooling.built:
        pooling.build(frames.shape, frame_mask.shape)
    return np.asarray(compiled(pooling, training).predict_on_batch([frames, frame_mask]))


def random_frames(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def randomised(pooling: FramePooling, channels: int = CHANNELS) -> FramePooling:
    """Built, and no weight at a value that would hide a fault."""
    if not pooling.built:
        pooling.build((None, None, channels), (None, None))
    rng = np.random.default_rng(1)
    for weight in pooling.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        else:
            weight.assign(rng.normal(size=weight.shape) / 2)
    return pooling


def small(name: str, **kwargs) -> FramePooling:
    """A small pooling with random weights."""
    return randomised(build_pooling(name, POOLING_ARGUMENTS.get(name), **kwargs))


@pytest.fixture(scope="module", params=POOLINGS)
def pooling(request: pytest.FixtureRequest) -> FramePooling:
    """Each pooling; no test changes its weights."""
    return small(request.param)


# === Laws ===

# All on one shape: compiling takes longer than computing. 1 and 3 frames are less than the convolutions of
# ECAPA-TDNN see.
LENGTHS = (7, 3, 1)
FRAME_MASK = mask_of(LENGTHS, 12)
FRAMES = random_frames(3, 12, CHANNELS)


def test_padding_is_left_out(pooling: FramePooling) -> None:
    """Whatever stands there."""
    alone = [pooled(pooling, FRAMES[i : i + 1, :n], np.ones((1, n), bool)) for i, n in enumerate(LENGTHS)]
    for padding in (1e3, np.nan):
        padded = np.where(FRAME_MASK[..., None], FRAMES, np.float32(padding))
        result = pooled(pooling, padded, FRAME_MASK)
        assert np.ptp(result, axis=0).max() > 0.1  # utterances differ
        np.testing.assert_allclose(result, np.concatenate(alone), atol=1e-5)


def test_row_without_a_valid_frame_gives_zeros(pooling: FramePooling) -> None:
    result = pooled(pooling, FRAMES, mask_of((0, 12, 0), 12))
    assert result.any(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.thorough
def test_training_with_empty_places_and_single_frames_stays_finite(name: str) -> None:
    """Weights after a step on a batch with an empty place, a single frame, and constant frames."""
    frames = random_frames(4, 5, CHANNELS)
    frames[2] = 1.0  # no variance
    frame_mask = mask_of((5, 1, 5, 0), 5)
    frames_input = keras.Input((None, CHANNELS))
    mask_input = keras.Input((None,), dtype="bool")
    inputs = keras.layers.Dense(CHANNELS)(frames_input)  # a gradient reaches the frames as well
    model = keras.Model([frames_input, mask_input], small(name)(inputs, mask_input))
    model.compile(keras.optimizers.SGD(0.01), loss="mse")
    before = model.get_weights()
    model.train_on_batch([frames, frame_mask], np.ones((4, *model.output_shape[1:])))
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    assert any(not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["att_stats", "ecapa"])
def test_batch_statistics_leave_the_padding_out(name: str) -> None:
    """In training too: padding, and empty places, change neither results nor running statistics."""
    frames = FRAMES[:, :6]
    plain, padded = small(name), small(name)
    expected = pooled(plain, frames, np.ones((3, 6), bool), training=True)
    frames = np.pad(frames, [(0, 1), (0, 4), (0, 0)], constant_values=7.0)
    result = pooled(padded, frames, mask_of((6, 6, 6, 0), 10), training=True)
    np.testing.assert_allclose(result[:3], expected, atol=1e-5)
    for ours, theirs in zip(padded.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_config_and_static_shape_are_true(pooling: FramePooling) -> None:
    config = keras.saving.serialize_keras_object(pooling)
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    assert type(copy) is type(pooling)
    assert copy.get_config() == pooling.get_config()
    symbolic = pooling(keras.KerasTensor((3, None, CHANNELS)), keras.KerasTensor((3, None), dtype="bool"))
    assert (symbolic.shape, symbolic.dtype) == (pooled(pooling, FRAMES, FRAME_MASK).shape, "float32")


@pytest.mark.thorough
def test_half_precision_is_near_float32(pooling: FramePooling) -> None:
    half = randomised(type(pooling).from_config({**pooling.get_config(), "dtype": "mixed_bfloat16"}))
    inputs = keras.KerasTensor((2, 5, CHANNELS)), keras.KerasTensor((2, 5), dtype="bool")
    assert half(*inputs).dtype == "bfloat16"
    expected = pooled(pooling, FRAMES, FRAME_MASK)
    result = pooled(half, FRAMES, FRAME_MASK).astype("float32")
    np.testing.assert_allclose(result, expected, atol=0.05 * np.abs(expected).max())


# === Single poolings ===

WHOLE = np.ones((2, 5), bool)


def test_simple_poolings_are_what_their_names_say() -> None:
    frames = random_frames(2, 5, CHANNELS)
    for pooling, expected in [
        (MaskedMeanPooling(), frames.mean(axis=1)),
        (MaskedSumPooling(), frames.sum(axis=1)),
        (MaskedMaxPooling(), frames.max(axis=1)),
        (FirstLastPooling(), np.concatenate([frames[:, 0], frames[:, -1]], axis=1)),
    ]:
        np.testing.assert_allclose(pooled(pooling, frames, WHOLE), expected, atol=1e-6)


def test_mean_of_many_frames_is_exact_enough_in_half_precision() -> None:
    frames = np.full((1, 3000, 1), 0.5, "float16")
    layer = MaskedMeanPooling(dtype="float16")
    assert pooled(layer, frames, np.ones((1, 3000), bool)).item() == 0.5


def test_maximum_of_negative_frames_is_negative() -> None:
    frames = -1.0 - np.abs(random_frames(1, 5, 2))
    result = pooled(MaskedMaxPooling(), frames, mask_of([3], 5))
    np.testing.assert_array_equal(result, frames[:, :3].max(axis=1))


def test_gradient_of_the_maximum_goes_to_one_frame() -> None:
    """To the first of several that have it, and on no backend to all or to none of them."""
    frames = np.array([[[1.0], [3.0], [3.0], [9.0]]], "float32")  # the last is padding
    frames_input = keras.Input((4, 1))
    shifted = frames_input + keras.layers.Reshape((4, 1))(
        keras.layers.Dense(4, use_bias=False, kernel_initializer="zeros", name="shift")(
            frames_input[:, 0] * 0 + 1
        )
    )
    mask_input = keras.Input((4,), dtype="bool")
    model = keras.Model([frames_input, mask_input], MaskedMaxPooling()(shifted, mask_input))
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y_true, y_pred: y_pred)
    model.train_on_batch([frames, mask_of([3], 4)], np.zeros((1, 1)))
    shift = keras.ops.convert_to_numpy(model.get_layer("shift").kernel.value)
    np.testing.assert_array_equal(shift, [[0.0, -1.0, 0.0, 0.0]])


def test_first_and_last_of_one_frame_is_it_twice() -> None:
    frames = random_frames(1, 5, 2)
    result = pooled(FirstLastPooling(), frames, mask_of([1], 5))
    np.testing.assert_array_equal(result, np.tile(frames[:, 0], 2))


@pytest.mark.parametrize("pooling", [AttentionPooling(), MultiHeadAttentionPooling(3)])
def test_new_attention_gives_the_mean(pooling: FramePooling) -> None:
    frames = random_frames(2, 5, CHANNELS)
    np.testing.assert_allclose(pooled(pooling, frames, WHOLE), frames.mean(axis=1), atol=1e-6)


def attended(frames: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(frames, channels) weighted by the softmax of (frames,) scores."""
    return np.exp(scores) @ frames / np.exp(scores).sum()


def test_attention_is_the_softmax_of_the_products_with_one_query() -> None:
    frames, query = random_frames(1, 5, CHANNELS), random_frames(CHANNELS, seed=2)
    pooling = randomised(AttentionPooling())
    pooling.set_weights([query[None]])
    expected = attended(frames[0], frames[0] @ query)
    np.testing.assert_allclose(pooled(pooling, frames, WHOLE[:1])[0], expected, atol=1e-6)


def test_heads_attend_each_with_its_share_of_the_channels() -> None:
    frames, queries = random_frames(1, 5, CHANNELS), random_frames(3, 2, seed=2)
    pooling = randomised(MultiHeadAttentionPooling(num_heads=3))
    pooling.set_weights([queries])
    shares = np.split(frames[0], 3, axis=1)
    expected = [attended(x, x @ query / 2**0.5) for x, query in zip(shares, queries, strict=True)]
    result = pooled(pooling, frames, WHOLE[:1])[0]
    np.testing.assert_allclose(result, np.concatenate(expected), atol=1e-6)


@pytest.mark.thorough
def test_projected_statistics_are_normed_and_projected() -> None:
    plain = randomised(AttentiveStatisticsPooling(5, use_projection=False))
    projected = randomised(AttentiveStatisticsPooling(5, projection_dim=4))
    frames, frame_mask = random_frames(2, 5, CHANNELS), mask_of((5, 3), 5)
    statistics = pooled(plain, frames, frame_mask)
    weights = [ops.convert_to_numpy(weight.value) for weight in projected.statistics_norm.weights]
    gamma, beta, mean, variance = weights
    kernel, bias = (ops.convert_to_numpy(weight.value) for weight in projected.projection.weights)
    expected = ((statistics - mean) / np.sqrt(variance + 1e-5) * gamma + beta) @ kernel + bias
    assert statistics.shape == (2, 2 * CHANNELS)
    # the attention's weights come first, and are the same
    np.testing.assert_allclose(pooled(projected, frames, frame_mask), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 3, 8])
@pytest.mark.parametrize("amount", [1, 4])
def test_mirror_image_is_that_of_numpy(length: int, amount: int) -> None:
    frames = random_frames(1, 8, 2)
    result = ops.convert_to_numpy(reflect_padding(frames, np.array([[length]], "int32"), amount))
    expected = np.pad(frames[:, :length], [(0, 0), (amount, amount), (0, 0)], mode="reflect")
    assert result.shape == (1, 8 + 2 * amount, 2)
    np.testing.assert_array_equal(result[:, : length + 2 * amount], expected)


@pytest.mark.thorough
def test_dropout_of_ecapa_is_for_training_alone() -> None:
    pooling = EcapaTdnnPooling(**{**POOLING_ARGUMENTS["ecapa"], "dropout": 0.5})
    first, second = (pooled(pooling, FRAMES, FRAME_MASK) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    first, second = (pooled(pooling, FRAMES, FRAME_MASK, training=True) for _ in range(2))
    assert not np.allclose(first, second)


# === Parity with SpeechBrain ===


def golden_pooling(module: str, **kwargs) -> FramePooling:
    """kser's counterpart of a module of `tests.golden.pooling`, with its weights."""
    arrays = expected_pooling(module)
    if module == "ecapa":
        pooling = EcapaTdnnPooling(
            7, [12, 16, 16, 16, 20], attention_channels=5, res2net_scale=4, se_channels=3, **kwargs
        )
    else:
        pooling = AttentiveStatisticsPooling(5, "without" not in module, use_projection=False)
    pooling.build((None, None, CHANNELS), (None, None))
    used = assign_weights(pooling, arrays)
    assert used == {name for name in arrays if name.startswith("weights/")}
    return pooling


LAYER_NAMES = {
    "first": "blocks.0",
    "block_0": "blocks.1",
    "block_1": "blocks.2",
    "block_2": "blocks.3",
    "before": "tdnn1",
    "after": "tdnn2",
    "res2net": "res2net_block",
    "squeeze_excitation": "se_block",
    "squeeze": "conv1.conv",
    "excitation": "conv2.conv",
    "shortcut": "shortcut.conv",
    "convolution": "conv.conv",
    "norm": "norm.norm",
    "aggregation": "mfa",
    "frame_dense": "tdnn.conv.conv",
    "context_dense": "tdnn.conv.conv",
    "attention_norm": "tdnn.norm.norm",
    "attention_dense": "conv.conv",
}
"""Names of SpeechBrain's modules by those of kser's layers."""

WEIGHT_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def published_name(path: str) -> str:
    """SpeechBrain's name for a weight of a pooling: `first/norm/gamma` → `blocks.0.norm.norm.weight`."""
    *layers, weight = path.split("/")
    names = []
    for index, layer in enumerate(layers):
        if layer == "statistics":
            ends = {"statistics_norm": "asp_bn.norm", "projection": "fc.conv"}
            names.append(ends.get(layers[index + 1], "asp"))
        elif layer.startswith("block_") and "res2net" in layers[:index]:
            names.append(layer.replace("block_", "blocks."))
        elif layer not in ("statistics_norm", "projection"):
            names.append(LAYER_NAMES[layer])
    return ".".join([*names, WEIGHT_NAMES.get(weight, weight)])


def assign_weights(pooling: FramePooling, arrays: dict[str, np.ndarray]) -> set[str]:
    """Give a pooling the golden weights; returns the names of the arrays that were used."""
    used = set()
    for weight in pooling.weights:
        path = weight.path.removeprefix(pooling.name + "/")
        if isinstance(pooling, AttentiveStatisticsPooling):
            path = f"statistics/{path}"
        name = f"weights/{published_name(path)}"
        value = arrays[name]
        if path.endswith("frame_dense/kernel"):
            value = value[:, : weight.shape[0]]
        elif path.endswith("context_dense/kernel"):
            value = value[:, -weight.shape[0] :]
        if value.ndim == 3:  # (outputs, inputs, kernel size) → (kernel size, inputs, outputs)
            value = value.transpose(2, 1, 0)[0] if len(weight.shape) == 2 else value.transpose(2, 1, 0)
        weight.assign(value)
        used.add(name)
    return used


@pytest.mark.thorough
@pytest.mark.parametrize("module", MODULES)
def test_parity_of_each_utterance_alone(module: str) -> None:
    """And in a padded batch: what kser gives there is what SpeechBrain gives for each alone."""
    arrays, pooling = expected_pooling(module), golden_pooling(module)
    frames, lengths = arrays["frames"], arrays["lengths"]
    alone = pooled(pooling, frames[-1:, : lengths[-1]], np.ones((1, lengths[-1]), bool))
    np.testing.assert_allclose(alone, arrays["alone"][-1:], rtol=0, atol=1e-5)
    batch = pooled(pooling, frames, mask_of(lengths, frames.shape[1]))
    np.testing.assert_allclose(batch, arrays["alone"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("module", MODULES)
def test_parity_of_the_padded_batch(module: str) -> None:
    arrays = expected_pooling(module)
    kwargs = {"published_padding": True} if module == "ecapa" else {}
    frames = arrays["frames"]
    result = pooled(golden_pooling(module, **kwargs), frames, mask_of(arrays["lengths"], frames.shape[1]))
    np.testing.assert_allclose(result, arrays["padded"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("module", MODULES)
def test_parity_in_training(module: str) -> None:
    """Batch statistics, and what they make of the running means."""
    arrays, pooling = expected_pooling(module), golden_pooling(module)
    result = pooled(pooling, arrays["frames"], np.ones(arrays["frames"].shape[:2], bool), training=True)
    np.testing.assert_allclose(result, arrays["training"], rtol=0, atol=1e-5)
    updated = {
        name.replace("updated/", "weights/"): value for name, value in arrays.items() if "updated" in name
    }
    checked = 0
    expected = golden_pooling(module)
    for weight, reference in zip(pooling.weights, expected.weights, strict=True):
        if weight.name == "moving_mean":
            path = weight.path.removeprefix(pooling.name + "/")
            path = path if module == "ecapa" else f"statistics/{path}"
            value = ops.convert_to_numpy(weight.value)
            np.testing.assert_allclose(value, updated[f"weights/{published_name(path)}"], atol=1e-5)
            assert not np.allclose(value, ops.convert_to_numpy(reference.value))
            checked += 1
    assert checked == len(updated)


# === Errors ===


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("median", {}, r"must be one of \['mean', 'max', .*pooling='median'"),
        (
            "att_stats",
            {"attention_channel": 3},
            "no argument 'attention_channel'; did you mean attention_channels",
        ),
        ("max", {"heads": 3}, "'max' has no argument 'heads'; it has none"),
        ("multi_head_attention", {"num_heads": 0}, "whole number of at least 1. Received: num_heads=0"),
        ("ecapa", {"channels": [8, 8, 8]}, "lists of the same length, at least 3. Received"),
        ("ecapa", {"kernel_sizes": [5, 2, 3, 3, 1]}, "`kernel_size` must be odd. Received: kernel_size=2"),
    ],
)
def test_wrong_arguments_are_refused(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        randomised(build_pooling(name, arguments))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "multi_head_attention",
            {"num_heads": 4},
            "must divide the channels. Received: num_heads=4, channels=6",
        ),
        ("ecapa", {"res2net_scale": 3}, "must divide the channels. Received: scale=3, channels=512"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        randomised(build_pooling(name, arguments))
