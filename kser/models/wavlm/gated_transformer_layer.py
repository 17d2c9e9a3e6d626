"""One transformer layer of WavLM: its attention weighs the position bias by what a frame holds."""

import keras
from keras import ops

from kser.models.separate_program import compute_apart
from kser.models.wav2vec2.transformer_layer import SelfAttention, TransformerLayer, dense


@keras.saving.register_keras_serializable(package="kser")
class GatedSelfAttention(SelfAttention):
    """`SelfAttention` that adds a position bias, which each query scales by a gate of its own.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames).
        position_bias: tensor (1, heads, frames, frames), of `RelativePositionBias`.

    Source: Chen et al. (2022), [WavLM](https://arxiv.org/abs/2110.13900), section III-B.
    """

    def build(self, frames_shape, frame_mask_shape, position_bias_shape):  # type: ignore[override]
        super().build(frames_shape, frame_mask_shape)
        self.gate_projection = dense(8, self.dtype_policy, "gate_projection")
        self.gate_projection.build((*frames_shape[:-1], self.num_heads, frames_shape[-1] // self.num_heads))
        self.gate_scale = self.add_weight(
            name="gate_scale", shape=(1, self.num_heads, 1, 1), initializer="ones"
        )

    def call(self, frames, frame_mask, position_bias, training=None):  # type: ignore[override]
        score_bias = self.gate(frames) * position_bias
        return self.attend(frames, frame_mask, score_bias, training=training)

    def gate(self, frames):
        """How much of the bias each query takes, (batch, heads, frames, 1)."""
        projected = self.gate_projection(self.split_heads(frames, frames))  # (batch, heads, frames, 8)
        update = ops.sigmoid(ops.sum(projected[..., :4], axis=-1, keepdims=True))
        reset = ops.sigmoid(ops.sum(projected[..., 4:], axis=-1, keepdims=True))
        return update * (reset * ops.cast(self.gate_scale, reset.dtype) - 1.0) + 2.0


@keras.saving.register_keras_serializable(package="kser")
class GatedTransformerLayer(TransformerLayer):
    """`TransformerLayer`, its arguments, with `GatedSelfAttention`, whose call arguments it takes."""

    def build(self, frames_shape, frame_mask_shape, position_bias_shape):  # type: ignore[override]
        self.build_parts(GatedSelfAttention, frames_shape, frame_mask_shape, position_bias_shape)

    def call(self, frames, frame_mask, position_bias, training=None):  # type: ignore[override]
        return compute_apart(self, self.transform, frames, frame_mask, position_bias, training=training)
