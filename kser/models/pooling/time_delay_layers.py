"""The building blocks of ECAPA-TDNN: convolutions over time that do not see the padding."""

import keras
from keras import ops

from kser.models.initializers import SeededHeNormal
from kser.models.pooling.batch_normalization import FrameBatchNormalization
from kser.models.pooling.frame_pooling import equal_weights, valid_frames


def reflect_padding(frames, lengths, amount):
    """Continue each utterance at both ends by its own mirror image, without repeating the end frames.

    Utterances of no more than `amount` frames are mirrored again and again, as `numpy.pad(mode="reflect")`
    does; one frame is repeated.

    Args:
        frames: tensor (batch, frames, channels).
        lengths: int32 tensor (batch, 1), how many frames of each utterance count. No others are read.
        amount: int, frames to add at each end.

    Returns:
        tensor (batch, frames + 2 × amount, channels); an utterance's mirror image follows its last frame.
    """
    ones = ops.pad(
        ops.ones_like(frames[:, :, 0], dtype="int32"), [[0, 0], [amount, amount]], constant_values=1
    )
    # Counted with a running sum and not `arange(shape)`: it exports with a dynamic time axis.
    position = ops.cumsum(ones, axis=1) - (1 + amount)
    last = ops.maximum(lengths - 1, 0)
    period = ops.maximum(2 * last, 1)
    # Of the distance: tf2onnx's remainder of a negative number is negative.
    phase = ops.mod(ops.abs(position), period)
    source = ops.minimum(phase, period - phase)
    return ops.take_along_axis(frames, ops.expand_dims(source, -1), axis=1)


@keras.saving.register_keras_serializable(package="kser")
class TimeDelayBlock(keras.layers.Layer):
    """Convolution over time → ReLU → batch normalisation → dropout of whole channels.

    Args:
        filters: int, channels of the result.
        kernel_size: int, odd.
        dilation: int, frames between those the kernel sees.
        dropout: float, share of channels dropped in training.

    Call arguments:
        frames: tensor (batch, frames, channels).
        lengths: int32 tensor (batch, 1), where each utterance is mirrored, see `reflect_padding`.
        frame_mask: bool tensor (batch, frames), the frames that the norm's statistics are taken over.

    Returns:
        tensor (batch, frames, filters).
    """

    def __init__(self, filters, kernel_size=1, dilation=1, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}")
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.dropout = dropout
        self.convolution = keras.layers.Conv1D(
            filters,
            kernel_size,
            dilation_rate=dilation,
            kernel_initializer=SeededHeNormal(),
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.norm = FrameBatchNormalization(dtype=self.dtype_policy, name="norm")
        self.channel_dropout = keras.layers.SpatialDropout1D(
            dropout, dtype=self.dtype_policy, name="channel_dropout"
        )

    def build(self, frames_shape, lengths_shape, frame_mask_shape):
        # Of any length: the frames at hand may be fewer than the kernel sees before they are mirrored.
        self.convolution.build((frames_shape[0], None, frames_shape[-1]))
        self.norm.build((*frames_shape[:-1], self.filters))

    def call(self, frames, lengths, frame_mask, training=None):
        amount = self.dilation * (self.kernel_size - 1) // 2
        if amount:
            frames = reflect_padding(frames, lengths, amount)
        x = self.norm(ops.relu(self.convolution(frames)), training=training, mask=frame_mask)
        return self.channel_dropout(x, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable(package="kser")
class Res2NetBlock(keras.layers.Layer):
    """Convolutions over groups of channels, each group also given the result of the group before it.

    The first group passes unchanged ([Gao et al., 2019](https://arxiv.org/abs/1904.01169)).

    Args:
        scale: int, how many groups; must divide the channels.
        kernel_size: int, odd.
        dilation: int.

    Call arguments and result: as `TimeDelayBlock`; the channels stay as many.
    """

    def __init__(self, scale=8, kernel_size=3, dilation=1, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.kernel_size = kernel_size
        self.dilation = dilation

    def build(self, frames_shape, lengths_shape, frame_mask_shape):
        channels = frames_shape[-1]
        if channels % self.scale:
            raise ValueError(
                f"`scale` must divide the channels. Received: scale={self.scale}, channels={channels}"
            )
        width = channels // self.scale
        self.blocks = [
            TimeDelayBlock(
                width, self.kernel_size, self.dilation, dtype=self.dtype_policy, name=f"block_{index}"
            )
            for index in range(self.scale - 1)
        ]
        for block in self.blocks:
            block.build((*frames_shape[:-1], width), lengths_shape, frame_mask_shape)

    def call(self, frames, lengths, frame_mask, training=None):
        first, *groups = ops.split(frames, self.scale, axis=-1)
        results = [first]
        for index, (block, group) in enumerate(zip(self.blocks, groups, strict=True)):
            x = group if index == 0 else group + results[-1]
            results.append(block(x, lengths, frame_mask, training=training))
        return ops.concatenate(results, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
        }


@keras.saving.register_keras_serializable(package="kser")
class SqueezeExcitation(keras.layers.Layer):
    """Scales each channel by a gate between 0 and 1 that follows from the mean over the valid frames.

    Args:
        units: int, of the hidden layer ([Hu et al., 2018](https://arxiv.org/abs/1709.01507)).

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames).

    Returns:
        tensor (batch, frames, channels).
    """

    def __init__(self, units=128, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, frames_shape, frame_mask_shape):
        batch, _, channels = frames_shape
        self.squeeze = keras.layers.Dense(
            self.units,
            activation="relu",
            kernel_initializer=SeededHeNormal(),
            dtype=self.dtype_policy,
            name="squeeze",
        )
        self.squeeze.build((batch, channels))
        self.excitation = keras.layers.Dense(
            channels,
            activation="sigmoid",
            kernel_initializer=SeededHeNormal(),
            dtype=self.dtype_policy,
            name="excitation",
        )
        self.excitation.build((batch, self.units))

    def call(self, frames, frame_mask):
        values = ops.cast(valid_frames(frames, frame_mask), "float32")
        mean = ops.sum(values * equal_weights(frame_mask), axis=1)
        return frames * ops.expand_dims(self.excitation(self.squeeze(mean)), 1)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="kser")
class SqueezeExcitationRes2NetBlock(keras.layers.Layer):
    """Dense → Res2Net → dense → squeeze-and-excitation, and a residual around them.

    Args:
        filters: int, channels of the result.
        kernel_size: int, odd, of the Res2Net.
        dilation: int, of the Res2Net.
        res2net_scale: int, see `Res2NetBlock`.
        se_channels: int, see `SqueezeExcitation`.
        dropout: float, after both dense parts, see `TimeDelayBlock`.

    Call arguments and result: as `TimeDelayBlock`.
    """

    def __init__(
        self, filters, kernel_size=3, dilation=1, res2net_scale=8, se_channels=128, dropout=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.res2net_scale = res2net_scale
        self.se_channels = se_channels
        self.dropout = dropout

    def build(self, frames_shape, lengths_shape, frame_mask_shape):
        policy = self.dtype_policy
        shape = (*frames_shape[:-1], self.filters)
        self.before = TimeDelayBlock(self.filters, dropout=self.dropout, dtype=policy, name="before")
        self.before.build(frames_shape, lengths_shape, frame_mask_shape)
        self.res2net = Res2NetBlock(
            self.res2net_scale, self.kernel_size, self.dilation, dtype=policy, name="res2net"
        )
        self.res2net.build(shape, lengths_shape, frame_mask_shape)
        self.after = TimeDelayBlock(self.filters, dropout=self.dropout, dtype=policy, name="after")
        self.after.build(shape, lengths_shape, frame_mask_shape)
        self.squeeze_excitation = SqueezeExcitation(self.se_channels, dtype=policy, name="squeeze_excitation")
        self.squeeze_excitation.build(shape, frame_mask_shape)
        self.shortcut = None
        if frames_shape[-1] != self.filters:
            self.shortcut = keras.layers.Dense(
                self.filters, kernel_initializer=SeededHeNormal(), dtype=policy, name="shortcut"
            )
            self.shortcut.build(frames_shape)

    def call(self, frames, lengths, frame_mask, training=None):
        residual = frames if self.shortcut is None else self.shortcut(frames)
        x = frames
        for block in (self.before, self.res2net, self.after):
            x = block(x, lengths, frame_mask, training=training)
        return self.squeeze_excitation(x, frame_mask) + residual

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "res2net_scale": self.res2net_scale,
            "se_channels": self.se_channels,
            "dropout": self.dropout,
        }
