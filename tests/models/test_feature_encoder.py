"""Convolutions over the waveform: lengths, masks, the norm that leaves padding out, and the activation."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy.stats import norm

from kser.models.wav2vec2.feature_encoder import (
    FeatureEncoder,
    FrameMask,
    MaskedGroupNormalization,
    ZeroPaddedFrames,
    convolved_length,
    gelu,
)
from tests.models.gradients_of_sum import gradients_of_sum


def frames_by_sliding(length: int, kernel_sizes: list[int], strides: list[int]) -> int:
    """Frames of unpadded convolutions, counted one window at a time."""
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        length = len([start for start in range(0, length, stride) if start + kernel_size <= length])
    return length


layers = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6)), min_size=1, max_size=4)


@settings(deadline=None)
@given(length=st.integers(0, 400), layers=layers)
def test_convolved_length_counts_the_windows(length: int, layers: list[tuple[int, int]]) -> None:
    kernel_sizes, strides = (list(values) for values in zip(*layers, strict=True))
    frames = frames_by_sliding(length, kernel_sizes, strides)
    assert convolved_length(length, kernel_sizes, strides) == frames
    of_tensor = convolved_length(ops.convert_to_tensor([float(length)]), kernel_sizes, strides)
    assert float(of_tensor[0]) == frames


def test_convolved_length_of_hours_is_exact_in_floats() -> None:
    kernel_sizes, strides = [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]
    lengths = np.random.default_rng(0).integers(2**23, 2**24, 200)
    of_tensor = convolved_length(ops.convert_to_tensor(lengths.astype("float32")), kernel_sizes, strides)
    assert np.array_equal(of_tensor, [convolved_length(int(n), kernel_sizes, strides) for n in lengths])


@pytest.mark.parametrize("length", [0, 44, 45, 64, 65, 200])
def test_encoder_gives_the_frames_that_the_mask_counts(length: int) -> None:
    encoder = FeatureEncoder([4, 4, 4], kernel_sizes := [10, 4, 3], strides := [5, 2, 2])
    waveform, padding_mask = np.zeros((1, 200), "float32"), np.arange(200)[None] < length
    frames = encoder(waveform, padding_mask)
    assert frames.shape == (1, convolved_length(200, kernel_sizes, strides), 4)
    frame_mask = ops.convert_to_numpy(FrameMask(kernel_sizes, strides)(frames, padding_mask))
    expected = frames_by_sliding(length, kernel_sizes, strides)
    assert frame_mask.tolist() == [[True] * expected + [False] * (frames.shape[1] - expected)]


@pytest.mark.thorough
@pytest.mark.parametrize("norm_kind", ["group", "layer"])
def test_encoded_frames_do_not_depend_on_the_padding(norm_kind: str) -> None:
    encoder = FeatureEncoder([4, 6], [10, 4], [5, 2], use_bias=True, norm=norm_kind)
    waveform = np.random.default_rng(0).normal(size=(1, 300)).astype("float32")
    alone = ops.convert_to_numpy(encoder(waveform, np.ones((1, 300), bool)))
    padded = encoder(np.pad(waveform, [(0, 0), (0, 500)]), np.arange(800)[None] < 300)
    np.testing.assert_allclose(ops.convert_to_numpy(padded)[:, : alone.shape[1]], alone, atol=1e-6)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the other form is PyTorch's")
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("norm_kind", ["group", "layer"])
def test_encoder_in_torch_is_the_plain_one(norm_kind: str, use_bias: bool) -> None:
    encoder = FeatureEncoder([6, 8, 4], kernel_sizes := [10, 4, 3], strides := [5, 2, 2], use_bias, norm_kind)
    padding_mask = np.arange(400) < np.array([[400], [233], [0]])
    waveform = np.where(padding_mask, np.random.default_rng(0).normal(size=(3, 400)), 0).astype("float32")
    encoder.build(waveform.shape, padding_mask.shape)
    mask = ops.convert_to_tensor(padding_mask)
    counted = FrameMask(kernel_sizes, strides)(encoder(waveform, mask), mask)
    weighting = ops.where(ops.expand_dims(counted, -1), np.random.default_rng(1).normal(size=(3, 18, 4)), 0.0)
    outputs, gradients = [], []
    for form in (encoder, encoder.encode):
        outputs.append(ops.convert_to_numpy(form(ops.convert_to_tensor(waveform), mask) * weighting))
        (gradient,) = gradients_of_sum(lambda x, form=form: form(x, mask) * weighting, waveform)
        gradients.append(gradient * padding_mask)
    np.testing.assert_allclose(*outputs, atol=1e-5)
    np.testing.assert_allclose(*gradients, atol=1e-5)


def test_unknown_norm_is_refused() -> None:
    with pytest.raises(ValueError, match=r'must be "group" or "layer".*batch'):
        FeatureEncoder([4], [10], [5], norm="batch")


def normalisation(channels: int) -> MaskedGroupNormalization:
    """A layer whose scale and offset are not the initial ones."""
    layer = MaskedGroupNormalization()
    layer.build((None, None, channels), (None, None))
    layer.scale.assign(np.linspace(0.5, 2, channels))
    layer.offset.assign(np.linspace(-1, 1, channels))
    return layer


def test_group_norm_gives_each_channel_of_each_utterance_its_mean_and_variance() -> None:
    layer = normalisation(3)
    frames = np.random.default_rng(0).normal(5, 3, size=(2, 50, 3)).astype("float32")
    result = ops.convert_to_numpy(layer(frames, np.ones((2, 50), bool)))
    np.testing.assert_allclose(result.mean(axis=1), np.tile(np.linspace(-1, 1, 3), (2, 1)), atol=1e-5)
    np.testing.assert_allclose(result.std(axis=1), np.tile(np.linspace(0.5, 2, 3), (2, 1)), atol=1e-5)


@pytest.mark.parametrize("padding", [0.0, 1e4])
def test_group_norm_ignores_what_the_padding_holds(padding: float) -> None:
    layer = normalisation(3)
    frames = np.random.default_rng(0).normal(size=(1, 20, 3)).astype("float32")
    alone = ops.convert_to_numpy(layer(frames, np.ones((1, 20), bool)))
    padded = np.pad(frames, [(0, 0), (0, 30), (0, 0)], constant_values=padding)
    result = ops.convert_to_numpy(layer(padded, np.arange(50)[None] < 20))
    np.testing.assert_allclose(result[:, :20], alone, atol=1e-6)


def test_group_norm_of_a_long_utterance_with_much_silence_is_exact() -> None:
    frames = np.random.default_rng(0).normal(size=(1, 50_000, 4)).astype("float32")
    frames[:, 20_000:] = np.array([-1.7, 0.13, 0.9, 2.3])  # what a convolution makes of silence
    expected = (frames - frames.mean(axis=1, dtype="float64")) / frames.std(axis=1, dtype="float64")
    result = MaskedGroupNormalization(epsilon=1e-12)(frames, np.ones((1, 50_000), bool))
    np.testing.assert_allclose(ops.convert_to_numpy(result), expected, atol=2e-5)


def test_group_norm_of_an_empty_place_is_finite() -> None:
    result = normalisation(3)(np.zeros((1, 10, 3), "float32"), np.zeros((1, 10), bool))
    assert np.isfinite(ops.convert_to_numpy(result)).all()


def test_padded_frames_become_zero_whatever_they_hold() -> None:
    frames = np.full((1, 4, 2), np.nan, "float32")
    frames[:, :3] = 7
    result = ops.convert_to_numpy(ZeroPaddedFrames()(frames, np.array([[True, True, True, False]])))
    assert result.tolist() == [[[7, 7]] * 3 + [[0, 0]]]


def test_gelu_is_x_times_the_normal_distribution() -> None:
    x = np.linspace(-8, 8, 1001).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(gelu(ops.convert_to_tensor(x))), x * norm.cdf(x), atol=2e-6
    )


@pytest.mark.thorough
@pytest.mark.parametrize("norm", ["group", "layer"])
def test_what_stands_in_the_padding_may_be_no_number(norm: str) -> None:
    layer = FeatureEncoder([4, 4], [10, 3], [5, 2], norm=norm)
    waveform = np.random.default_rng(0).normal(size=(1, 200)).astype("float32")
    padded = np.pad(waveform, [(0, 0), (0, 60)], constant_values=np.nan)
    alone = ops.convert_to_numpy(layer(waveform, np.ones((1, 200), bool)))
    result = ops.convert_to_numpy(layer(padded, ~np.isnan(padded)))
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result[:, : alone.shape[1]], alone, atol=1e-5)
