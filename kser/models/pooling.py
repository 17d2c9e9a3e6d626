"""From a sequence of frames to one vector an utterance."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kser")
class MaskedMeanPooling(keras.layers.Layer):
    """Mean over the valid frames; the padding is left out.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames).

    Returns:
        tensor (batch, channels); zeros for a row without a valid frame.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, frames_shape, frame_mask_shape):
        self.built = True

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def call(self, frames, frame_mask):
        # Summed in float32 whatever the backbone computes in: half precision stops counting at 256.
        values = ops.cast(frames, "float32")
        valid = ops.expand_dims(ops.cast(frame_mask, "float32"), -1)
        total = ops.sum(values * valid, axis=1)
        return ops.cast(total / ops.maximum(ops.sum(valid, axis=1), 1.0), self.compute_dtype)

    def compute_output_spec(self, frames, frame_mask):
        batch, _, channels = frames.shape
        return keras.KerasTensor((batch, channels), dtype=self.compute_dtype)


# How an utterance can be pooled, by the name that `pooling_mode` has in the model JSON.
POOLINGS = {"mean": MaskedMeanPooling}
