"""Attentive statistics pooling with global context."""

import keras
from keras import ops

from kser.models.initializers import SeededNormal
from kser.models.pooling.batch_normalization import FrameBatchNormalization
from kser.models.pooling.frame_pooling import (
    FramePooling,
    equal_weights,
    masked_softmax,
    rows_with_frames,
    valid_frames,
)

# Under the root of the standard deviation, whose slope is infinite at zero: SpeechBrain's value.
SMALLEST_VARIANCE = 1e-12


def weighted_statistics(frames, weights):
    """Mean and standard deviation over time.

    Args:
        frames: float32 tensor (batch, frames, channels).
        weights: float32 tensor (batch, frames, channels or 1) that sums to 1 over the frames.

    Returns:
        float32 tensor (batch, 2 × channels): the means, then the standard deviations.
    """
    mean = ops.sum(frames * weights, axis=1, keepdims=True)
    variance = ops.sum(weights * ops.square(frames - mean), axis=1)
    deviation = ops.sqrt(ops.maximum(variance, SMALLEST_VARIANCE))
    return ops.concatenate([ops.squeeze(mean, axis=1), deviation], axis=-1)


@keras.saving.register_keras_serializable(package="kser")
class AttentiveStatisticsPooling(FramePooling):
    """Mean and standard deviation of each channel, weighted by an attention of its own over the frames.

    A frame's attention is computed from the frame and, with `global_context`, from mean and standard
    deviation over the whole utterance: dense → ReLU → batch normalisation → tanh → dense → softmax over the
    valid frames. With `use_projection` the statistics go through batch normalisation and a dense layer, as
    they do at the end of ECAPA-TDNN and in the study that kser continues.

    Args:
        attention_channels: int, units of the attention's hidden layer.
        global_context: bool.
        use_projection: bool; `False` gives the statistics themselves.
        projection_dim: int, or `None` for as many as the frames have channels.

    Returns:
        tensor (batch, `projection_dim`), or (batch, 2 × channels) without projection, see `FramePooling`.

    Source: Okabe, Koshinaka and Shinoda (2018), [Attentive Statistics
    Pooling](https://arxiv.org/abs/1803.10963); with an attention for each channel and global context:
    Desplanques, Thienpondt and Demuynck (2020), [ECAPA-TDNN](https://arxiv.org/abs/2005.07143). With the same
    weights it gives what `AttentiveStatisticsPooling` of SpeechBrain's speechbrain/lobes/models/ECAPA_TDNN.py
    gives; in training the batch normalisation leaves the padding out, which SpeechBrain's does not.
    """

    def __init__(
        self,
        attention_channels=128,
        global_context=True,
        use_projection=True,
        projection_dim=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.attention_channels = attention_channels
        self.global_context = global_context
        self.use_projection = use_projection
        self.projection_dim = projection_dim

    def build(self, frames_shape, frame_mask_shape):
        channels = frames_shape[-1]
        hidden_shape = (*frames_shape[:-1], self.attention_channels)
        statistics_shape = (frames_shape[0], 2 * channels)
        # One dense layer over [frame, mean, deviation] in two parts: the second is the same for all frames.
        self.frame_dense = self._dense(self.attention_channels, 3 * channels, "frame_dense")
        self.frame_dense.build(frames_shape)
        if self.global_context:
            self.context_dense = self._dense(
                self.attention_channels, 3 * channels, "context_dense", use_bias=False
            )
            self.context_dense.build(statistics_shape)
        self.attention_norm = FrameBatchNormalization(dtype=self.dtype_policy, name="attention_norm")
        self.attention_norm.build(hidden_shape)
        self.attention_dense = self._dense(channels, self.attention_channels, "attention_dense")
        self.attention_dense.build(hidden_shape)
        if self.use_projection:
            self.statistics_norm = FrameBatchNormalization(dtype=self.dtype_policy, name="statistics_norm")
            self.statistics_norm.build(statistics_shape)
            self.projection = self._dense(self.pooled_channels(channels), 2 * channels, "projection")
            self.projection.build(statistics_shape)

    def _dense(self, units, inputs, name, use_bias=True):
        """A dense layer whose results have about the variance of its inputs."""
        initializer = SeededNormal(mean=0.0, stddev=inputs**-0.5)
        return keras.layers.Dense(
            units, use_bias=use_bias, kernel_initializer=initializer, dtype=self.dtype_policy, name=name
        )

    def pooled_channels(self, channels):
        if not self.use_projection:
            return 2 * channels
        return channels if self.projection_dim is None else self.projection_dim

    def pool(self, frames, frame_mask, training):
        frames = ops.cast(valid_frames(frames, frame_mask), "float32")
        weights = masked_softmax(self._attention(frames, frame_mask, training), frame_mask)
        statistics = weighted_statistics(frames, weights)
        if not self.use_projection:
            return statistics
        # Empty places of a batch must not shift the norm's statistics.
        places = ops.squeeze(rows_with_frames(frame_mask), axis=1)
        return self.projection(self.statistics_norm(statistics, training=training, mask=places))

    def _attention(self, frames, frame_mask, training):
        hidden = self.frame_dense(frames)
        if self.global_context:
            context = weighted_statistics(frames, equal_weights(frame_mask))
            hidden = hidden + ops.expand_dims(self.context_dense(context), 1)
        hidden = self.attention_norm(ops.relu(hidden), training=training, mask=frame_mask)
        return self.attention_dense(ops.tanh(hidden))

    def get_config(self):
        return {
            **super().get_config(),
            "attention_channels": self.attention_channels,
            "global_context": self.global_context,
            "use_projection": self.use_projection,
            "projection_dim": self.projection_dim,
        }
