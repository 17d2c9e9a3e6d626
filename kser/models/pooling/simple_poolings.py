"""Poolings without weights: mean, sum, maximum, first and last frame."""

from typing import ClassVar

import keras
from keras import ops

from kser.models.export_form import is_exported
from kser.models.pooling.frame_pooling import NEVER, FramePooling, valid_frames


@keras.saving.register_keras_serializable(package="kser")
class MaskedMeanPooling(FramePooling):
    """Mean over the valid frames: (batch, frames, channels) → (batch, channels), see `FramePooling`.

    Args:
        include_padding: bool, whether the frames of padding count as well. The result then depends on how
            many they are: only for backbones that pad every utterance to one length, as Whisper does.
    """

    def __init__(self, include_padding=False, **kwargs):
        super().__init__(**kwargs)
        self.include_padding = include_padding

    def get_config(self):
        return {**super().get_config(), "include_padding": self.include_padding}

    is_linear: ClassVar[bool] = True

    def pool(self, frames, frame_mask, training):
        if self.include_padding:
            frame_mask = ops.ones_like(frame_mask)
        total = ops.sum(ops.cast(valid_frames(frames, frame_mask), "float32"), axis=1)
        count = ops.sum(ops.cast(frame_mask, "float32"), axis=1, keepdims=True)
        return total / ops.maximum(count, 1.0)


@keras.saving.register_keras_serializable(package="kser")
class MaskedSumPooling(FramePooling):
    """Sum over the valid frames: (batch, frames, channels) → (batch, channels), see `FramePooling`.

    The length of the result grows with the duration of the utterance.
    """

    is_linear: ClassVar[bool] = True

    def pool(self, frames, frame_mask, training):
        return ops.sum(ops.cast(valid_frames(frames, frame_mask), "float32"), axis=1)


@keras.saving.register_keras_serializable(package="kser")
class MaskedMaxPooling(FramePooling):
    """Maximum of each channel over the valid frames: → (batch, channels), see `FramePooling`.

    The gradient goes to the first frame that has it.
    """

    def pool(self, frames, frame_mask, training):
        frames = ops.cast(valid_frames(frames, frame_mask), "float32")
        # Not `ops.max`: JAX finds the gradient by asking which frames equal the maximum. XLA may have
        # computed them twice, with another rounding, and then none does: the gradient is wrong, or 0 / 0.
        candidates = ops.where(ops.expand_dims(frame_mask, -1), frames, NEVER)
        if is_exported():  # there is no gradient, and Keras' `argmax` has an operation that ONNX lacks
            return ops.max(candidates, axis=1)
        where = ops.argmax(ops.stop_gradient(candidates), axis=1, keepdims=True)
        return ops.squeeze(ops.take_along_axis(frames, where, axis=1), axis=1)


@keras.saving.register_keras_serializable(package="kser")
class FirstLastPooling(FramePooling):
    """First and last valid frame, one after the other: → (batch, 2 × channels), see `FramePooling`.

    An utterance of one frame gives that frame twice.
    """

    is_linear: ClassVar[bool] = True

    def pooled_channels(self, channels):
        return 2 * channels

    def pool(self, frames, frame_mask, training):
        # Found with a running count and summed: only one term is not zero, so the sum is exact.
        valid = ops.cast(frame_mask, "int32")
        count = ops.cumsum(valid, axis=1)
        total = ops.sum(valid, axis=1, keepdims=True)
        first = ops.logical_and(frame_mask, ops.equal(count, 1))
        last = ops.logical_and(frame_mask, ops.equal(count, total))
        return ops.concatenate([ops.sum(valid_frames(frames, one), axis=1) for one in (first, last)], axis=-1)
