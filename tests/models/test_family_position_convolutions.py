"""The position convolutions of data2vec and of HuBERT with batch norm: what they compute, and padding."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.data2vec_audio.stacked_position_convolution import StackedPositionConvolution
from kser.models.hubert.batch_norm_position_convolution import BatchNormPositionConvolution
from kser.models.wav2vec2.feature_encoder import gelu

LENGTH, PADDED = 9, 14
LAYERS = {
    "stacked": lambda **arguments: StackedPositionConvolution(3, 5, 2, **arguments),
    "batch norm": lambda **arguments: BatchNormPositionConvolution(5, 2, **arguments),
}


def built(kind: str, **arguments) -> keras.layers.Layer:
    """A layer none of whose weights is at its initial value."""
    keras.utils.set_random_seed(0)
    layer = LAYERS[kind](**arguments)
    layer.build((None, None, 8), (None, None))
    rng = np.random.default_rng(0)
    for variable in layer.variables:
        noise = rng.normal(scale=0.3, size=variable.shape)  # of mean 0, else the norm cancels digits
        variable.assign(variable + (np.abs(noise) if "variance" in variable.path else noise))
    return layer


def frames_and_mask() -> tuple[np.ndarray, np.ndarray]:
    """One utterance, zero where padded."""
    frames = np.random.default_rng(1).normal(size=(1, PADDED, 8)).astype("float32")
    mask = np.arange(PADDED)[None] < LENGTH
    return frames * mask[..., None], mask


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("mask_padding", [True, False])
def test_padding_reaches_the_audio_only_where_asked(kind: str, mask_padding: bool) -> None:
    layer = built(kind, mask_padding=mask_padding)
    frames, mask = frames_and_mask()
    alone = ops.convert_to_numpy(layer(frames[:, :LENGTH], mask[:, :LENGTH]))
    padded = ops.convert_to_numpy(layer(frames, mask))[:, :LENGTH]
    assert np.allclose(padded, alone, atol=1e-6) == mask_padding
    np.testing.assert_allclose(padded[:, :2], alone[:, :2], atol=1e-6)  # out of the reach of the padding


def test_batch_norm_then_convolution_then_gelu() -> None:
    layer = built("batch norm")
    frames, mask = frames_and_mask()
    norm = layer.batch_norm
    scale = norm.gamma / ops.sqrt(norm.moving_variance + 1e-5)
    normalised = (ops.convert_to_tensor(frames[:, :LENGTH]) - norm.moving_mean) * scale + norm.beta
    padded = ops.pad(normalised, [[0, 0], [2, 2], [0, 0]])
    expected = gelu(ops.conv(padded, layer.kernel, padding="valid") + layer.bias)
    result = ops.convert_to_numpy(layer(frames, mask))[:, :LENGTH]
    np.testing.assert_allclose(result, ops.convert_to_numpy(expected), atol=1e-5)


def test_batch_norm_learns_its_statistics_from_the_audio_alone() -> None:
    layer = BatchNormPositionConvolution(5, 2)
    frames, mask = frames_and_mask()
    layer(frames, mask, training=True)
    mean = frames[0, :LENGTH].mean(axis=0)
    moved = ops.convert_to_numpy(layer.batch_norm.moving_mean)
    np.testing.assert_allclose(moved, 0.1 * mean, atol=1e-6)


def test_stack_is_convolution_norm_and_gelu_after_one_another() -> None:
    layer = built("stacked")
    frames, _ = frames_and_mask()
    x = ops.convert_to_tensor(frames)
    for kernel, bias in zip(layer.kernels, layer.biases, strict=True):
        x = ops.conv(ops.pad(x, [[0, 0], [2, 2], [0, 0]]), kernel, padding="valid") + bias
        mean, variance = ops.moments(x, axes=-1, keepdims=True)
        x = gelu((x - mean) / ops.sqrt(variance + 1e-5))
    result = layer(frames, np.ones((1, PADDED), bool))
    np.testing.assert_allclose(ops.convert_to_numpy(result), ops.convert_to_numpy(x), atol=1e-5)
