"""The grouped, weight-normalised convolution that tells the transformer where a frame stands."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.wav2vec2.feature_encoder import gelu
from kser.models.wav2vec2.position_convolution import (
    PositionConvolution,
    convolve_around,
    convolve_by_frequencies,
    grouped_convolution,
    pad_around,
    pays_through_frequencies,
    split_convolution,
)
from tests.models.gradients_of_sum import gradients_of_sum


def draws(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("kernel_size", [4, 5])
def test_each_group_sees_its_own_channels_alone(groups: int, kernel_size: int) -> None:
    frames, kernel = draws(2, 12, 8), draws(kernel_size, 8 // groups, 8)
    result = ops.convert_to_numpy(grouped_convolution(ops.convert_to_tensor(frames), kernel, groups))
    windows = np.lib.stride_tricks.sliding_window_view(frames, kernel_size, axis=1)
    windows = windows.reshape(2, -1, groups, 8 // groups, kernel_size)  # batch, frame, group, channel, tap
    kernels = kernel.reshape(kernel_size, 8 // groups, groups, 8 // groups)
    expected = np.einsum("bfgck,kcgo->bfgo", windows, kernels).reshape(2, -1, 8)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def plain(frames, kernel, groups):
    return grouped_convolution(pad_around(frames, kernel.shape[0]), kernel, groups)


def split(frames, kernel, groups):
    return split_convolution(pad_around(frames, kernel.shape[0]), kernel, groups)


@pytest.mark.parametrize("form", [split, convolve_by_frequencies, convolve_around])
@pytest.mark.parametrize(("length", "kernel_size"), [(12, 4), (12, 5), (3, 8), (2, 9), (1, 1), (37, 16)])
def test_every_form_gives_what_the_plain_one_gives_and_its_gradients(form, length, kernel_size) -> None:
    frames, kernel = draws(2, length, 8), draws(kernel_size, 2, 8)
    weighting = ops.convert_to_tensor(draws(2, length, 8))
    expected = gradients_of_sum(lambda x, k: plain(x, k, 4) * weighting, frames, kernel)
    found = gradients_of_sum(lambda x, k: form(x, k, 4) * weighting, frames, kernel)
    for result, plain_result in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, plain_result, atol=2e-5)
    tensors = ops.convert_to_tensor(frames), ops.convert_to_tensor(kernel)
    np.testing.assert_allclose(
        ops.convert_to_numpy(form(*tensors, 4)), ops.convert_to_numpy(plain(*tensors, 4)), atol=1e-5
    )


@pytest.mark.thorough
def test_frequencies_are_exact_for_minutes_of_frames() -> None:
    frames, kernel = draws(1, 3000, 4), draws(16, 4, 4)
    tensors = ops.convert_to_tensor(frames), ops.convert_to_tensor(kernel)
    result = ops.convert_to_numpy(convolve_by_frequencies(*tensors, 1))
    np.testing.assert_allclose(result, ops.convert_to_numpy(plain(*tensors, 1)), atol=1e-4)


@pytest.mark.parametrize(
    ("frames", "kernel", "dtype", "pays"),
    [
        ((8, 199, 768), (128, 48, 768), "float32", True),
        ((1, 199, 768), (128, 48, 768), "float32", False),  # the kernel's spectrum alone costs as much
        ((8, 199, 768), (128, 48, 768), "bfloat16", False),
        ((8, None, 768), (128, 48, 768), "float32", False),
        ((None, 199, 768), (128, 48, 768), "float32", False),
    ],
)
def test_frequencies_pay_for_batches_of_known_shape(frames, kernel, dtype, pays) -> None:
    assert pays_through_frequencies(frames, kernel, dtype) is pays


@pytest.mark.parametrize("kernel_size", [1, 6, 7])
def test_as_many_frames_come_out_as_went_in_around_the_same_centre(kernel_size: int) -> None:
    layer = PositionConvolution(kernel_size, groups=1)
    frames = np.zeros((1, 21, 2), "float32")
    frames[:, 10] = 1
    result = ops.convert_to_numpy(layer(frames))
    assert result.shape == frames.shape
    touched = np.flatnonzero(np.abs(result[0]).sum(axis=-1))
    # the last position of the kernel reaches (kernel_size - 1) // 2 frames ahead
    assert touched.tolist() == [10 - (kernel_size - 1 - kernel_size // 2) + i for i in range(kernel_size)]


def test_magnitude_is_the_norm_of_each_position() -> None:
    layer = PositionConvolution(6, groups=2)
    layer.build((None, None, 8))
    magnitude = np.linspace(0.5, 3, 6).astype("float32")
    layer.magnitude.assign(magnitude[:, None, None])
    norms = np.sqrt(np.square(ops.convert_to_numpy(layer.kernel())).sum(axis=(1, 2)))
    np.testing.assert_allclose(norms, magnitude, rtol=1e-5)


def test_kernel_does_not_depend_on_the_length_of_the_direction() -> None:
    layer = PositionConvolution(6, groups=2)
    layer.build((None, None, 8))
    before = ops.convert_to_numpy(layer.kernel())
    layer.direction.assign(layer.direction * 10)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.kernel()), before, rtol=1e-5)


def test_initial_kernel_is_the_direction_as_drawn() -> None:
    layer = PositionConvolution(16, groups=2)
    layer.build((None, None, 256))
    kernel, direction = ops.convert_to_numpy(layer.kernel()), ops.convert_to_numpy(layer.direction)
    # equal but for the chance in the norm of 256 · 128 draws
    np.testing.assert_allclose(kernel / direction, 1, atol=0.03)
    assert kernel.std() == pytest.approx((4 / (16 * 256)) ** 0.5, rel=0.02)


def test_layer_is_gelu_of_convolution_and_bias() -> None:
    layer = PositionConvolution(5, groups=2)
    frames = draws(2, 9, 8)
    layer.build(frames.shape)
    layer.bias.assign(draws(8))
    padded = np.pad(frames, [(0, 0), (2, 2), (0, 0)])
    expected = gelu(ops.conv(padded, layer.kernel(), padding="valid") + layer.bias)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(frames)), ops.convert_to_numpy(expected), atol=1e-5)


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must divide the channels.*groups=3, channels=8"):
        PositionConvolution(5, groups=3)(keras.KerasTensor((1, 4, 8)))
