"""ECAPA-TDNN: a network of its own over the frames, ending in attentive statistics."""

import keras
from keras import ops

from kser.models.pooling.attentive_statistics_pooling import AttentiveStatisticsPooling
from kser.models.pooling.frame_pooling import FramePooling, valid_frames
from kser.models.pooling.time_delay_layers import SqueezeExcitationRes2NetBlock, TimeDelayBlock


@keras.saving.register_keras_serializable(package="kser")
class EcapaTdnnPooling(FramePooling):
    """Time-delay convolutions with squeeze-and-excitation, then attentive statistics and a dense layer.

    One convolution, then blocks of Res2Net and squeeze-and-excitation; the results of all blocks side by side
    go through one more convolution, `AttentiveStatisticsPooling`, batch normalisation and a dense layer. The
    defaults are those of the published module, except for `embedding_dim`, which is 192 there; the study that
    kser continues had as many as the backbone has channels. About 6 million parameters over 768 channels.

    At its ends an utterance is continued by its mirror image. SpeechBrain's module mirrors the padded batch
    and convolves over the padding, so that an utterance's result depends on the length of its neighbours;
    here each utterance is mirrored at its own end, and padded results equal unpadded ones.

    Args:
        embedding_dim: int, channels of the result, or `None` for as many as the frames have.
        channels: list of int, of the first convolution, of each block, and of the last convolution.
        kernel_sizes: list of int, odd, one for each of `channels`.
        dilations: list of int, one for each of `channels`.
        attention_channels: int, see `AttentiveStatisticsPooling`.
        res2net_scale: int, groups of channels in a Res2Net; must divide the blocks' channels.
        se_channels: int, hidden units of squeeze-and-excitation.
        global_context: bool, see `AttentiveStatisticsPooling`.
        dropout: float, share of channels dropped after the convolutions in training.
        published_padding: bool, `True` to treat padding as the published module does.

    Returns:
        tensor (batch, `embedding_dim`), see `FramePooling`.

    Raises:
        ValueError: the lists differ in length, a kernel size is even, or `res2net_scale` does not divide the
            channels.

    Source: Desplanques, Thienpondt and Demuynck (2020), [ECAPA-TDNN](https://arxiv.org/abs/2005.07143). With
    the same weights it gives what `ECAPA_TDNN` of SpeechBrain's speechbrain/lobes/models/ECAPA_TDNN.py gives:
    for each utterance by itself, or with `published_padding` for a padded batch. In training batch
    normalisation leaves the padding out, which SpeechBrain's does not.
    """

    def __init__(
        self,
        embedding_dim=None,
        channels=(512, 512, 512, 512, 1536),
        kernel_sizes=(5, 3, 3, 3, 1),
        dilations=(1, 2, 3, 4, 1),
        attention_channels=128,
        res2net_scale=8,
        se_channels=128,
        global_context=True,
        dropout=0.0,
        published_padding=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if len(channels) < 3 or not len(channels) == len(kernel_sizes) == len(dilations):
            raise ValueError(
                "`channels`, `kernel_sizes` and `dilations` must be lists of the same length, at least 3. "
                f"Received: channels={channels}, kernel_sizes={kernel_sizes}, dilations={dilations}"
            )
        self.embedding_dim = embedding_dim
        self.channels = list(channels)
        self.kernel_sizes = list(kernel_sizes)
        self.dilations = list(dilations)
        self.attention_channels = attention_channels
        self.res2net_scale = res2net_scale
        self.se_channels = se_channels
        self.global_context = global_context
        self.dropout = dropout
        self.published_padding = published_padding
        self._make_layers()

    def _make_layers(self):
        convolutions = list(zip(self.channels, self.kernel_sizes, self.dilations, strict=True))
        policy = self.dtype_policy
        self.first = TimeDelayBlock(*convolutions[0], dropout=self.dropout, dtype=policy, name="first")
        self.blocks = [
            SqueezeExcitationRes2NetBlock(
                *convolution,
                self.res2net_scale,
                self.se_channels,
                self.dropout,
                dtype=policy,
                name=f"block_{index}",
            )
            for index, convolution in enumerate(convolutions[1:-1])
        ]
        self.aggregation = TimeDelayBlock(
            *convolutions[-1], dropout=self.dropout, dtype=policy, name="aggregation"
        )

    def build(self, frames_shape, frame_mask_shape):
        lengths_shape = (frames_shape[0], 1)
        self.first.build(frames_shape, lengths_shape, frame_mask_shape)
        channels = self.channels[0]
        for block in self.blocks:
            block.build((*frames_shape[:-1], channels), lengths_shape, frame_mask_shape)
            channels = block.filters
        aggregated = sum(self.channels[1:-1])
        self.aggregation.build((*frames_shape[:-1], aggregated), lengths_shape, frame_mask_shape)
        self.statistics = AttentiveStatisticsPooling(
            self.attention_channels,
            self.global_context,
            projection_dim=self.pooled_channels(frames_shape[-1]),
            dtype=self.dtype_policy,
            name="statistics",
        )
        self.statistics.build((*frames_shape[:-1], self.channels[-1]), frame_mask_shape)

    def pooled_channels(self, channels):
        return channels if self.embedding_dim is None else self.embedding_dim

    def pool(self, frames, frame_mask, training):
        # What counts as part of the utterance for the convolutions: its own frames, or the padding too.
        seen = ops.ones_like(frame_mask) if self.published_padding else frame_mask
        lengths = ops.sum(ops.cast(seen, "int32"), axis=1, keepdims=True)
        x = self.first(valid_frames(frames, seen), lengths, frame_mask, training=training)
        results = []
        for block in self.blocks:
            x = block(x, lengths, frame_mask, training=training)
            results.append(x)
        x = self.aggregation(ops.concatenate(results, axis=-1), lengths, frame_mask, training=training)
        return self.statistics(x, frame_mask, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "channels": self.channels,
            "kernel_sizes": self.kernel_sizes,
            "dilations": self.dilations,
            "attention_channels": self.attention_channels,
            "res2net_scale": self.res2net_scale,
            "se_channels": self.se_channels,
            "global_context": self.global_context,
            "dropout": self.dropout,
            "published_padding": self.published_padding,
        }
