"""One transformer layer of Wav2Vec 2.0: self-attention and a feed-forward network."""

import keras
from keras import ops

from kser.models.hashed_dropout import HashedDropout
from kser.models.initializers import SeededNormal
from kser.models.separate_program import compute_apart
from kser.models.wav2vec2.feature_encoder import gelu


def dense(units, dtype, name):
    """A dense layer with the initial weights of the published models (normal, 0.02)."""
    return keras.layers.Dense(
        units, kernel_initializer=SeededNormal(mean=0.0, stddev=0.02), dtype=dtype, name=name
    )


def apply_dense(layer, x):
    """`layer(x)` of a dense layer inside another layer.

    On PyTorch product and bias are one function, and without what Keras does around each call, which takes
    longer than the product of a short utterance.

    Args:
        layer: `keras.layers.Dense` without an activation, built.
        x: tensor (…, channels) of the type that the layer computes in.
    """
    if keras.config.backend() != "torch" or layer.quantization_mode is not None:
        return layer(x)
    from torch import addmm

    # Not `linear`, whose gradient lies in memory as PyTorch has its kernels, and would be turned around.
    kernel, bias = ops.convert_to_tensor(layer.kernel), ops.convert_to_tensor(layer.bias)
    return addmm(bias, x.reshape(-1, kernel.shape[0]), kernel).view(*x.shape[:-1], kernel.shape[1])


@keras.saving.register_keras_serializable(package="kser")
class SelfAttention(keras.layers.Layer):
    """Multi-head self-attention over frames ([Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)).

    Args:
        num_heads: int, must divide the channels.
        dropout: float, share of attention weights dropped in training.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames); frames that are false are not attended to.

    Returns:
        tensor (batch, frames, channels).
    """

    def __init__(self, num_heads, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = dropout
        self.attention_dropout = HashedDropout(dropout, dtype=self.dtype_policy, name="attention_dropout")

    def build(self, frames_shape, frame_mask_shape):
        channels = frames_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the channels. "
                f"Received: num_heads={self.num_heads}, channels={channels}"
            )
        for name in ("query", "key", "value", "output_projection"):
            layer = dense(channels, self.dtype_policy, name)
            layer.build(frames_shape)
            setattr(self, name, layer)

    def call(self, frames, frame_mask, training=None):
        return self.attend(frames, frame_mask, training=training)

    def attend(self, frames, frame_mask, score_bias=None, training=None):
        """Attention with a tensor added to the scores, broadcast to (batch, heads, frames, frames)."""
        projections = (self.query, self.key, self.value)
        query, key, value = (self.split_heads(apply_dense(part, frames), frames) for part in projections)
        scale = (frames.shape[-1] // self.num_heads) ** -0.5
        attendable = ops.expand_dims(ops.expand_dims(frame_mask, 1), 1)
        if keras.config.backend() == "torch":
            dropout = self.dropout if training else 0.0
            mixed = fused_attention(query, key, value, attendable, score_bias, scale, dropout)
        else:
            scores = ops.matmul(query * scale, ops.transpose(key, (0, 1, 3, 2)))
            if score_bias is not None:
                scores = scores + score_bias
            weights, total = unnormalised_softmax(ops.where(attendable, scores, masked_score(scores)))
            weights = self.attention_dropout(weights, training=training)
            mixed = ops.matmul(weights, value) / total
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        return apply_dense(self.output_projection, ops.reshape(mixed, ops.shape(frames)))

    def split_heads(self, x, frames):
        """(batch, frames, channels) → (batch, heads, frames, channels // heads).

        Batch and frames are taken from the shape of what `x` was computed from: tf2onnx 1.17 takes the shape
        of a matrix product for that of the matrix which it was computed as.
        """
        batch, num_frames, channels = ops.shape(frames)
        heads = ops.reshape(x, (batch, num_frames, self.num_heads, channels // self.num_heads))
        return ops.transpose(heads, (0, 2, 1, 3))

    def compute_output_spec(self, frames, *context, training=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads, "dropout": self.dropout}


def masked_score(scores):
    """The score of a frame that is not attended to.

    Very negative but finite: an empty row of a batch attends to nothing and must stay finite, and half
    precision ends at 65504.
    """
    return ops.cast(-6e4, scores.dtype)


def unnormalised_softmax(scores):
    """Numerators and denominators of the softmax over the last axis.

    The division is best done after the product with the values: over channels, which are fewer than frames.

    Args:
        scores: tensor (…, queries, keys).

    Returns:
        tensors (…, queries, keys) and (…, queries, 1) of the same type; the sum is computed in float32.
    """
    weights = ops.exp(scores - ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True)))
    total = ops.sum(ops.cast(weights, "float32"), axis=-1, keepdims=True)
    return weights, ops.cast(total, weights.dtype)


def fused_attention(query, key, value, attendable, score_bias, scale, dropout):
    """The same attention by PyTorch's fused kernel.

    Args:
        query, key, value: tensors (batch, heads, frames, channels).
        attendable: bool tensor (batch, 1, 1, frames).
        score_bias: tensor that is added to the scaled scores, or `None`.
        scale: float.
        dropout: float, share of attention weights dropped.

    Returns:
        tensor (batch, heads, frames, channels).
    """
    from torch.nn.functional import scaled_dot_product_attention

    if score_bias is None:
        score_bias = ops.zeros_like(attendable, dtype=query.dtype)
    # PyTorch takes a mask or a bias.
    bias = ops.where(attendable, score_bias, masked_score(query))
    return scaled_dot_product_attention(query, key, value, bias, dropout, scale=scale)


@keras.saving.register_keras_serializable(package="kser")
class TransformerLayer(keras.layers.Layer):
    """Self-attention, then a two-layer feed-forward network, each with a residual and a layer norm.

    Args:
        num_heads: int.
        intermediate_dim: int, units of the feed-forward network.
        norm_first: bool; `True` normalises before each part (the "stable layer norm" of the large models),
            `False` after each residual (the base models).
        layer_norm_epsilon: float.
        dropout: float, after attention and feed-forward network.
        attention_dropout: float, on the attention weights.
        activation_dropout: float, inside the feed-forward network.
        layer_drop: float, probability that a training step skips the layer, for the whole batch
            ([LayerDrop](https://arxiv.org/abs/1909.11556)).

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames).

    Returns:
        tensor (batch, frames, channels).
    """

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        norm_first=False,
        layer_norm_epsilon=1e-5,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        layer_drop=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.norm_first = norm_first
        self.layer_norm_epsilon = layer_norm_epsilon
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.activation_dropout = activation_dropout
        self.layer_drop = layer_drop
        if layer_drop:
            self.seed_generator = keras.random.SeedGenerator()

    def build(self, frames_shape, frame_mask_shape):
        self.build_parts(SelfAttention, frames_shape, frame_mask_shape)

    def build_parts(self, attention_class, frames_shape, *context_shapes):
        """Build the attention, of that class, and what comes after it."""
        policy = self.dtype_policy
        self.attention = attention_class(
            self.num_heads, self.attention_dropout, dtype=policy, name="attention"
        )
        self.attention.build(frames_shape, *context_shapes)
        self.intermediate = dense(self.intermediate_dim, policy, "intermediate")
        self.intermediate.build(frames_shape)
        self.output_dense = dense(frames_shape[-1], policy, "output_dense")
        self.output_dense.build((*frames_shape[:-1], self.intermediate_dim))
        for name in ("attention_norm", "output_norm"):
            norm = keras.layers.LayerNormalization(epsilon=self.layer_norm_epsilon, dtype=policy, name=name)
            norm.build(frames_shape)
            setattr(self, name, norm)
        self.residual_dropout = HashedDropout(self.dropout, dtype=policy, name="residual_dropout")
        self.inner_dropout = HashedDropout(self.activation_dropout, dtype=policy, name="inner_dropout")

    def call(self, frames, frame_mask, training=None):
        return compute_apart(self, self.transform, frames, frame_mask, training=training)

    def transform(self, frames, *context, training=None):
        """The layer, with what its attention takes besides the frames."""
        if self.norm_first:
            x = frames + self._attend(self.attention_norm(frames), context, training)
            x = x + self._feed_forward(self.output_norm(x), training)
        else:
            x = self.attention_norm(frames + self._attend(frames, context, training))
            x = self.output_norm(x + self._feed_forward(x, training))
        if training and self.layer_drop:
            kept = keras.random.uniform((), seed=self.seed_generator) >= self.layer_drop
            x = ops.where(kept, x, frames)
        return x

    def _attend(self, x, context, training):
        x = self.attention(x, *context, training=training)
        return self.residual_dropout(x, training=True) if training else x

    def _feed_forward(self, x, training):
        x = gelu(apply_dense(self.intermediate, x))
        x = apply_dense(self.output_dense, self.inner_dropout(x, training=True) if training else x)
        return self.residual_dropout(x, training=True) if training else x

    def compute_output_spec(self, frames, *context, training=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "norm_first": self.norm_first,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "activation_dropout": self.activation_dropout,
            "layer_drop": self.layer_drop,
        }
