"""One transformer layer of Moonshine's encoder, and the rotation that tells it where a frame is."""

import keras
import numpy as np
from keras import ops

from kser.keras_internals import MoonshineEncoderBlock, attend, attention_parts
from kser.models.initializers import SeededNormal
from kser.models.separate_program import compute_apart
from kser.models.wav2vec2.feature_encoder import gelu


@keras.saving.register_keras_serializable(package="kser")
class RotaryPositions(keras.layers.Layer):
    """The angles by which queries and keys of each frame are turned, as cosines and sines.

    Args:
        rotary_dim: int, channels of a head that are turned, in pairs; even.
        base: float, the wavelengths go from 2π frames to nearly base·2π.

    Call arguments:
        frames: tensor (batch, frames, channels), of which only the length matters.

    Returns:
        two float32 tensors (frames, rotary_dim), each value twice in a row.

    Source: Su et al. (2021), [RoFormer](https://arxiv.org/abs/2104.09864).
    """

    def __init__(self, rotary_dim, base=10000.0, **kwargs):
        # Half precision cannot tell angles of hundreds of radians apart.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if rotary_dim < 2 or rotary_dim % 2:
            raise ValueError(f"`rotary_dim` must be even and at least 2. Received: rotary_dim={rotary_dim}")
        self.rotary_dim = rotary_dim
        self.base = base

    def call(self, frames):
        steps = np.arange(0, self.rotary_dim, 2, dtype=np.float32) / np.float32(self.rotary_dim)
        speeds = np.repeat(1.0 / np.float32(self.base) ** steps, 2)
        # Counted with a running sum and not `arange(shape)`: it exports with a dynamic time axis.
        position = ops.cumsum(ops.ones_like(frames[0, :, :1], dtype="float32"), axis=0) - 1.0
        angles = position * ops.convert_to_tensor(speeds)
        return ops.cos(angles), ops.sin(angles)

    def compute_output_spec(self, frames):
        shape = (frames.shape[1], self.rotary_dim)
        return keras.KerasTensor(shape, dtype="float32"), keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {**super().get_config(), "rotary_dim": self.rotary_dim, "base": self.base}


def rotate(x, cosine, sine):
    """Turn neighbouring pairs of the first channels of each head.

    Args:
        x: tensor (batch, frames, heads, channels of a head).
        cosine: tensor (frames, rotary_dim).
        sine: tensor (frames, rotary_dim).

    Returns:
        tensor of the shape of `x`.
    """
    rotary_dim = cosine.shape[-1]
    turning = x[..., :rotary_dim]
    pairs = ops.reshape(turning, (*ops.shape(turning)[:-1], rotary_dim // 2, 2))
    across = ops.reshape(ops.stack([-pairs[..., 1], pairs[..., 0]], axis=-1), ops.shape(turning))
    turned = turning * ops.expand_dims(cosine, 1) + across * ops.expand_dims(sine, 1)
    return ops.concatenate([turned, x[..., rotary_dim:]], axis=-1)


@keras.saving.register_keras_serializable(package="kser")
class RotaryTransformerLayer(MoonshineEncoderBlock):
    """KerasHub's block of Moonshine's encoder (normalisation first, no biases in attention and norms).

    The parts and their weights are KerasHub's. They are called from here, because its own call turns
    queries and keys by angles in the layer's precision, which in half precision are wrong from the hundredth
    frame on, and computes in float32 whatever the layer's dtype policy says.

    Args: those of `MoonshineEncoderBlock`.

    Call arguments:
        frames: tensor (batch, frames, channels).
        cosine: tensor (frames, rotary_dim), see `RotaryPositions`.
        sine: tensor (frames, rotary_dim).
        frame_mask: bool tensor (batch, frames); frames that are false are not attended to.

    Returns:
        tensor (batch, frames, channels).
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        attention, mlp = self.self_attention_layer, self.feedforward
        norms = (self.self_attention_layer_norm, self.feedforward_layer_norm)
        for layer in (attention, mlp, mlp.dense_1, mlp.dense_2, *norms):
            layer.dtype_policy = self.dtype_policy

    def build(self, frames_shape, cosine_shape, sine_shape, frame_mask_shape):
        super().build(frames_shape)
        # KerasHub draws with the backend's own generator: the same seed gives another model on each.
        for variable in self.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(SeededNormal(mean=0.0, stddev=self.initializer_range)(variable.shape))

    def call(self, frames, cosine, sine, frame_mask, training=None):
        return compute_apart(self, self.transform, frames, cosine, sine, frame_mask, training=training)

    def transform(self, frames, cosine, sine, frame_mask, training=None):
        """The layer as it is."""
        x = self._attend(self.self_attention_layer_norm(frames), cosine, sine, frame_mask, training)
        attended = frames + x
        x = self.feedforward.dense_1(self.feedforward_layer_norm(attended))
        return attended + self.feedforward.dense_2(gelu(x))

    def _attend(self, x, cosine, sine, frame_mask, training):
        parts = attention_parts(self.self_attention_layer)
        mixed = attend(
            self.self_attention_layer,
            rotate(parts.query(x), cosine, sine),
            rotate(parts.key(x), cosine, sine),
            parts.value(x),
            ops.expand_dims(frame_mask, 1),
            training,
        )
        return parts.output(mixed)

    def compute_output_spec(self, frames, cosine, sine, frame_mask, training=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "dtype": keras.dtype_policies.serialize(self.dtype_policy)}
