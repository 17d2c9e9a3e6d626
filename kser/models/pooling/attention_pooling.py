"""Poolings by attention: the frames' own weighted mean, the weights from learned queries."""

import keras
from keras import ops

from kser.models.pooling.frame_pooling import FramePooling, masked_softmax, valid_frames


@keras.saving.register_keras_serializable(package="kser")
class MultiHeadAttentionPooling(FramePooling):
    """Weighted mean over the valid frames, each head with its own query over its share of the channels.

    Head h sees channels h·d … (h+1)·d of each frame, d = channels / `num_heads`. Its weights are the softmax
    over the frames of ⟨query, frame⟩ / √d. The queries begin as zeros: a new layer gives the mean.

    Args:
        num_heads: int, must divide the channels.

    Returns:
        tensor (batch, channels), the heads' means one after the other, see `FramePooling`.

    Source: India, Safari and Hernando (2019), [Self Multi-Head Attention for Speaker
    Recognition](https://arxiv.org/abs/1906.09890).
    """

    def __init__(self, num_heads=8, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(num_heads, int) or num_heads < 1:
            raise ValueError(
                f"`num_heads` must be a whole number of at least 1. Received: num_heads={num_heads!r}"
            )
        self.num_heads = num_heads

    def build(self, frames_shape, frame_mask_shape):
        channels = frames_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the channels. "
                f"Received: num_heads={self.num_heads}, channels={channels}"
            )
        self.query = self.add_weight(
            name="query",
            shape=(self.num_heads, channels // self.num_heads),
            initializer="zeros",
            autocast=False,  # the weights of a mean: float32, as the mean itself
        )

    def pool(self, frames, frame_mask, training):
        batch, num_frames, channels = ops.shape(frames)
        frames = ops.cast(valid_frames(frames, frame_mask), "float32")
        heads = ops.reshape(frames, (batch, num_frames, self.num_heads, channels // self.num_heads))
        weights = masked_softmax(self.scores(heads), frame_mask)
        return ops.reshape(ops.sum(heads * ops.expand_dims(weights, -1), axis=1), (batch, channels))

    def scores(self, heads):
        """The score that each head gives each frame: (batch, frames, heads, d) → (batch, frames, heads)."""
        return ops.sum(heads * self.query, axis=-1) / self.query.shape[-1] ** 0.5

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}


@keras.saving.register_keras_serializable(package="kser")
class AttentionPooling(MultiHeadAttentionPooling):
    """Weighted mean over the valid frames, the weights the softmax of ⟨query, frame⟩ for one learned query.

    The query begins as zeros: a new layer gives the mean.

    Returns:
        tensor (batch, channels), see `FramePooling`.

    Source: Mirsamadi, Barsoum and Zhang (2017), [Automatic speech emotion recognition using recurrent neural
    networks with local attention](https://doi.org/10.1109/ICASSP.2017.7952552).
    """

    def __init__(self, **kwargs):
        super().__init__(num_heads=1, **kwargs)

    def scores(self, heads):
        return ops.sum(heads * self.query, axis=-1)

    def get_config(self):
        config = super().get_config()
        del config["num_heads"]
        return config
