"""Relative position by several narrow grouped convolutions after one another, as data2vec has it."""

import keras
from keras import ops

from kser.models.initializers import SeededHeNormal
from kser.models.wav2vec2.feature_encoder import gelu
from kser.models.wav2vec2.position_convolution import convolve_around


@keras.saving.register_keras_serializable(package="kser")
class StackedPositionConvolution(keras.layers.Layer):
    """Several times `gelu(norm(grouped convolution over time))`, to be added to its input.

    The layer norm is without scale and offset.

    Args:
        depth: int, convolutions.
        kernel_size: int, frames that each of them sees.
        groups: int, groups of channels.
        mask_padding: bool. `True` sets padded frames to zero before each convolution, as if the audio ended
            there. `False` repeats the published code, in which what a convolution makes of the padding
            reaches, through the next ones, the last frames of the audio.

    Call arguments:
        frames: tensor (batch, frames, channels), zero where padded.
        frame_mask: bool tensor (batch, frames).

    Returns:
        tensor (batch, frames, channels).
    """

    def __init__(self, depth, kernel_size, groups, mask_padding=True, **kwargs):
        super().__init__(**kwargs)
        self.depth = depth
        self.kernel_size = kernel_size
        self.groups = groups
        self.mask_padding = mask_padding
        self.layer_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, center=False, scale=False, dtype=self.dtype_policy, name="layer_norm"
        )

    def build(self, frames_shape, frame_mask_shape):
        channels = frames_shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"`groups` must divide the channels. Received: groups={self.groups}, channels={channels}"
            )
        shape = (self.kernel_size, channels // self.groups, channels)
        self.layer_norm.build(frames_shape)
        self.kernels = [
            self.add_weight(name=f"kernel_{index}", shape=shape, initializer=SeededHeNormal())
            for index in range(self.depth)
        ]
        self.biases = [
            self.add_weight(name=f"bias_{index}", shape=(channels,), initializer="zeros")
            for index in range(self.depth)
        ]

    def call(self, frames, frame_mask):
        x, valid = frames, ops.expand_dims(frame_mask, -1)
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            if self.mask_padding:
                x = ops.where(valid, x, ops.zeros_like(x))
            x = gelu(self.layer_norm(convolve_around(x, kernel, self.groups) + bias))
        return x

    def compute_output_spec(self, frames, frame_mask):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "depth": self.depth,
            "kernel_size": self.kernel_size,
            "groups": self.groups,
            "mask_padding": self.mask_padding,
        }
