"""Relative position by one wide grouped convolution after a batch norm, as some HuBERT models have it."""

import keras
from keras import ops

from kser.models.initializers import SeededNormal
from kser.models.wav2vec2.feature_encoder import gelu
from kser.models.wav2vec2.position_convolution import convolve_around


@keras.saving.register_keras_serializable(package="kser")
class BatchNormPositionConvolution(keras.layers.Layer):
    """`gelu(grouped convolution over time of batch norm)`, to be added to its input.

    Args:
        kernel_size: int, frames.
        groups: int, groups of channels.
        mask_padding: bool. `True` leaves padded frames out of the statistics and sets them to zero after the
            norm, as if the audio ended there. `False` repeats the published code, in which what the norm
            makes of the padding reaches the last frames of the audio
            (https://github.com/huggingface/transformers/issues/47739).

    Call arguments:
        frames: tensor (batch, frames, channels), zero where padded.
        frame_mask: bool tensor (batch, frames).

    Returns:
        tensor (batch, frames, channels).

    Source: the 25 Hz HuBERT of Hassid et al. (2023), [TWIST](https://arxiv.org/abs/2305.13009);
    `conv_pos_batch_norm` of `transformers.HubertConfig`.
    """

    def __init__(self, kernel_size, groups, mask_padding=True, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.groups = groups
        self.mask_padding = mask_padding
        # The constants of `torch.nn.BatchNorm1d`.
        self.batch_norm = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name="batch_norm"
        )

    def build(self, frames_shape, frame_mask_shape):
        channels = frames_shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"`groups` must divide the channels. Received: groups={self.groups}, channels={channels}"
            )
        self.batch_norm.build(frames_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, channels // self.groups, channels),
            initializer=SeededNormal(mean=0.0, stddev=(4.0 / (self.kernel_size * channels)) ** 0.5),
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def call(self, frames, frame_mask, training=None):
        if self.mask_padding:
            x = self.batch_norm(frames, training=training, mask=frame_mask)
            x = ops.where(ops.expand_dims(frame_mask, -1), x, ops.zeros_like(x))
        else:
            x = self.batch_norm(frames, training=training)
        return gelu(convolve_around(x, self.kernel, self.groups) + self.bias)

    def compute_output_spec(self, frames, frame_mask, training=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "groups": self.groups,
            "mask_padding": self.mask_padding,
        }
