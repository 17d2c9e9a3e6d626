"""What all poolings have in common: their interface, and how they treat padding."""

from typing import ClassVar

import keras
from keras import ops

# Stands for "not at all" under a softmax or a maximum: finite, so that a row without any valid frame gives
# finite numbers and gradients.
NEVER = -1e30


class FramePooling(keras.layers.Layer):
    """Base class: from a sequence of frames to one vector an utterance.

    Padded frames are left out, whatever they hold, and sums over frames are computed in float32 whatever
    the backbone computes in: half precision stops counting at 256.

    Call arguments:
        frames: float tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames), true for valid frames, false for padding at the end.

    Returns:
        tensor (batch, `pooled_channels(channels)`), of the layer's compute dtype; zeros for a row without a
        valid frame.

    Attributes:
        is_linear: whether a weighted sum of sequences pooled is the weighted sum of the pooled sequences.
    """

    is_linear: ClassVar[bool] = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # A mask that Keras attached by itself ends here.
        self.supports_masking = True

    def build(self, frames_shape, frame_mask_shape):
        self.built = True

    def pooled_channels(self, channels: int) -> int:
        """Channels of the result for frames with this many channels."""
        return channels

    def pool(self, frames, frame_mask, training):
        """The pooled vectors, any float type; rows without a valid frame may hold any finite number."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it pools")

    def call(self, frames, frame_mask, training=None):
        pooled = ops.cast(self.pool(frames, frame_mask, training), "float32")
        pooled = ops.where(rows_with_frames(frame_mask), pooled, ops.zeros_like(pooled))
        return ops.cast(pooled, self.compute_dtype)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def compute_output_spec(self, frames, frame_mask, training=None):
        batch, _, channels = frames.shape
        return keras.KerasTensor((batch, self.pooled_channels(channels)), dtype=self.compute_dtype)


def rows_with_frames(frame_mask):
    """Which utterances have a valid frame: (batch, frames) bool → (batch, 1) bool."""
    return ops.any(frame_mask, axis=1, keepdims=True)


def valid_frames(frames, frame_mask):
    """The frames in their own type, zero where they are padding: (batch, frames, channels)."""
    # A choice and not a product: the padding may hold anything, even NaN.
    return ops.where(ops.expand_dims(frame_mask, -1), frames, ops.zeros_like(frames))


def equal_weights(frame_mask):
    """Float32 weights (batch, frames, 1), their sum over the valid frames 1, or 0 where there are none."""
    valid = ops.cast(frame_mask, "float32")
    return ops.expand_dims(valid / ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1.0), -1)


def masked_softmax(scores, frame_mask):
    """Softmax over the valid frames: float tensor (batch, frames, any) → float32 of the same shape."""
    scores = ops.where(ops.expand_dims(frame_mask, -1), ops.cast(scores, "float32"), NEVER)
    # Not `ops.softmax`, which warns about an axis of one element: utterances may have one frame.
    scores = ops.exp(scores - ops.stop_gradient(ops.max(scores, axis=1, keepdims=True)))
    return scores / ops.sum(scores, axis=1, keepdims=True)
