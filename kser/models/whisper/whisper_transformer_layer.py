"""One transformer layer of Whisper's encoder."""

import keras
from keras import ops

from kser.keras_internals import WhisperEncoder, whisper_layer_parts
from kser.models.hashed_dropout import HashedDropout
from kser.models.initializers import SeededNormal
from kser.models.separate_program import compute_apart
from kser.models.wav2vec2.feature_encoder import gelu


@keras.saving.register_keras_serializable(package="kser")
class WhisperTransformerLayer(WhisperEncoder):
    """KerasHub's layer of Whisper's encoder (normalisation first, keys without a bias).

    KerasHub has one dropout for attention weights and residuals and no layer drop. Here each is
    what it is in the published model, and the call is that of kser's other transformer layers.

    Args:
        num_heads: int, must divide the channels.
        intermediate_dim: int, units of the feed-forward network.
        dropout: float, after attention and feed-forward network.
        attention_dropout: float, on the attention weights.
        activation_dropout: float, inside the feed-forward network.
        layer_drop: float, probability that a training step skips the layer, for the whole batch.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames), frames that are false are not attended to; or `None`.

    Returns:
        tensor (batch, frames, channels).
    """

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        layer_drop=0.0,
        **kwargs,
    ):
        super().__init__(
            num_heads=num_heads,
            intermediate_dim=intermediate_dim,
            dropout=attention_dropout,  # what `build` gives the attention; the others are below
            activation="linear",  # see `transform`
            kernel_initializer=SeededNormal(mean=0.0, stddev=0.02),
            normalize_first=True,
            **kwargs,
        )
        self.attention_dropout = attention_dropout
        self.activation_dropout = activation_dropout
        self.layer_drop = layer_drop
        self.residual_dropout = HashedDropout(dropout, dtype=self.dtype_policy, name="residual_dropout")
        self.inner_dropout = HashedDropout(activation_dropout, dtype=self.dtype_policy, name="inner_dropout")
        if layer_drop:
            self.seed_generator = keras.random.SeedGenerator()

    def build(self, frames_shape, frame_mask_shape=None):
        if frames_shape[-1] % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the channels. "
                f"Received: num_heads={self.num_heads}, channels={frames_shape[-1]}"
            )
        super().build(frames_shape)

    def call(self, frames, frame_mask=None, training=None):
        return compute_apart(self, self.transform, frames, frame_mask, training=training)

    def transform(self, frames, frame_mask=None, training=None):
        """The layer as it is."""
        attendable = None if frame_mask is None else ops.expand_dims(frame_mask, 1)
        parts = whisper_layer_parts(self)
        x = parts.attention_norm(frames)
        x = parts.attention(x, x, attention_mask=attendable, training=training)
        attended = frames + self.residual_dropout(x, training=training)
        x = parts.intermediate(parts.feedforward_norm(attended))
        x = parts.output(self.inner_dropout(gelu(x), training=training))
        x = attended + self.residual_dropout(x, training=training)
        if training and self.layer_drop:
            kept = keras.random.uniform((), seed=self.seed_generator) >= self.layer_drop
            x = ops.where(kept, x, frames)
        return x

    def compute_output_spec(self, frames, frame_mask=None, training=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        config = super().get_config()
        for fixed in ("activation", "kernel_initializer", "normalize_first"):
            del config[fixed]
        return {
            **config,
            "dropout": self.residual_dropout.rate,
            "attention_dropout": self.attention_dropout,
            "activation_dropout": self.activation_dropout,
            "layer_drop": self.layer_drop,
        }
