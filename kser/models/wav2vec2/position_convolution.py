"""Relative position by one wide grouped convolution, weight-normalised, as Wav2Vec 2.0 has it."""

import keras
from keras import ops

from kser.models.initializers import SeededNormal
from kser.models.wav2vec2.feature_encoder import gelu


@keras.saving.register_keras_serializable(package="kser")
class PositionConvolution(keras.layers.Layer):
    """`gelu(grouped convolution over time)`, to be added to its input.

    The kernel is `direction / ‖direction‖ · magnitude` with one magnitude for each of the `kernel_size`
    positions ([weight normalisation](https://arxiv.org/abs/1602.07868)), trained in that form.

    Args:
        kernel_size: int, frames.
        groups: int, groups of channels.

    Call arguments:
        frames: tensor (batch, frames, channels), zero where padded.

    Returns:
        tensor of the same shape.
    """

    def __init__(self, kernel_size, groups, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.groups = groups

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"`groups` must divide the channels. Received: groups={self.groups}, channels={channels}"
            )
        shape = (self.kernel_size, channels // self.groups, channels)
        stddev = (4.0 / (self.kernel_size * channels)) ** 0.5
        self.direction = self.add_weight(
            name="direction", shape=shape, initializer=SeededNormal(mean=0.0, stddev=stddev)
        )
        # The initial magnitude leaves the initial kernel as drawn: the norm of that many normal draws.
        norm = stddev * (channels // self.groups * channels) ** 0.5
        self.magnitude = self.add_weight(
            name="magnitude", shape=(self.kernel_size, 1, 1), initializer=keras.initializers.Constant(norm)
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def kernel(self):
        """The normalised kernel, (kernel_size, channels // groups, channels)."""
        norm = ops.sqrt(ops.sum(ops.square(self.direction), axis=(1, 2), keepdims=True))
        return self.direction * (self.magnitude / norm)

    def call(self, frames):
        padded = pad_around(frames, self.kernel_size)
        return gelu(grouped_convolution(padded, self.kernel(), self.groups) + self.bias)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size, "groups": self.groups}


def pad_around(frames, kernel_size):
    """Zero frames on both sides, so that a convolution gives as many frames as there were.

    An even kernel reaches one frame further back than ahead.

    Args:
        frames: tensor (batch, frames, channels).
        kernel_size: int.

    Returns:
        tensor (batch, frames + kernel_size - 1, channels).
    """
    before = kernel_size // 2
    return ops.pad(frames, [[0, 0], [before, kernel_size - 1 - before], [0, 0]])


def grouped_convolution(frames, kernel, groups):
    """Unpadded convolution over time in which each group of channels sees itself alone.

    PyTorch has a fast kernel for this. XLA and TensorFlow on the CPU do not, above all backwards: there one
    convolution a group and a concatenation is over ten times faster (base size).

    Args:
        frames: tensor (batch, frames, channels).
        kernel: tensor (kernel_size, channels // groups, channels).
        groups: int.

    Returns:
        tensor (batch, frames - kernel_size + 1, channels).
    """
    if groups == 1 or keras.config.backend() == "torch":
        return ops.conv(frames, kernel, padding="valid")
    parts = zip(ops.split(frames, groups, axis=-1), ops.split(kernel, groups, axis=-1), strict=True)
    return ops.concatenate([ops.conv(x, k, padding="valid") for x, k in parts], axis=-1)
