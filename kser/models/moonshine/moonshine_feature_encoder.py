"""The convolutional feature encoder of Moonshine: waveform → frames."""

import keras
from keras import ops

from kser.models.initializers import SeededHeNormal
from kser.models.wav2vec2.feature_encoder import (
    convolved_length,
    gelu,
    mask_frames,
    sum_over_frames,
)

KERNEL_SIZES = (127, 7, 3)
STRIDES = (64, 3, 2)
SAMPLES_PER_FRAME = 64 * 3 * 2


@keras.saving.register_keras_serializable(package="kser")
class MaskedUtteranceNormalization(keras.layers.Layer):
    """Normalises all channels together over the valid frames of an utterance: a group norm of one group.

    Args:
        epsilon: float, added to the variance.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames).
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, frames_shape, frame_mask_shape):
        channels = (frames_shape[-1],)
        self.scale = self.add_weight(name="scale", shape=channels, initializer="ones")
        self.offset = self.add_weight(name="offset", shape=channels, initializer="zeros")

    def call(self, frames, frame_mask):
        # Statistics in float32 whatever the layer computes in: a million values are summed.
        values = ops.cast(frames, "float32")
        valid = ops.expand_dims(ops.cast(frame_mask, "float32"), -1)
        count = ops.maximum(sum_over_frames(valid), 1.0)
        mean = sum_over_frames(ops.mean(values, axis=-1, keepdims=True) * valid) / count
        squares = ops.mean(ops.square(values - mean), axis=-1, keepdims=True)
        variance = sum_over_frames(squares * valid) / count
        normalised = (values - mean) * ops.rsqrt(variance + self.epsilon)
        scaled = normalised * ops.cast(self.scale, "float32") + ops.cast(self.offset, "float32")
        return ops.cast(scaled, self.compute_dtype)

    def compute_output_spec(self, frames, frame_mask):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="kser")
class MoonshineFeatureEncoder(keras.layers.Layer):
    """Three unpadded convolutions over the waveform, one frame every 384 samples (24 ms).

    Args:
        filters: int, channels of the first and the last; the second has twice as many.
        mask_padding: bool, whether padding stays out of the statistics of the normalisation.

    Call arguments:
        waveform: float tensor (batch, samples).
        padding_mask: bool tensor (batch, samples).

    Returns:
        float tensor (batch, frames, filters).
    """

    def __init__(self, filters, mask_padding=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.mask_padding = mask_padding
        self.strides = STRIDES
        self.convolutions = [
            keras.layers.Conv1D(
                channels,
                kernel_size,
                strides=stride,
                use_bias=index > 0,
                kernel_initializer=SeededHeNormal(),
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index, (channels, kernel_size, stride) in enumerate(
                zip((filters, 2 * filters, filters), KERNEL_SIZES, STRIDES, strict=True)
            )
        ]
        self.group_norm = MaskedUtteranceNormalization(dtype=self.dtype_policy, name="group_norm")

    def build(self, waveform_shape, padding_mask_shape):
        shape = (*waveform_shape, 1)
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
        self.group_norm.build((*waveform_shape, self.filters), waveform_shape)

    def call(self, waveform, padding_mask):
        # A choice and not a product: the padding may hold anything, even NaN.
        sound = ops.where(padding_mask, waveform, ops.zeros_like(waveform))
        first, *others = self.convolutions
        x = ops.tanh(first(ops.expand_dims(sound, -1)))
        valid = padding_mask if self.mask_padding else ops.ones_like(padding_mask)
        x = self.group_norm(x, mask_frames(x, valid, KERNEL_SIZES[:1], STRIDES[:1]))
        for convolution in others:
            x = gelu(convolution(x))
        return x

    def compute_output_spec(self, waveform, padding_mask):
        batch, samples = waveform.shape
        frames = None if samples is None else convolved_length(samples, KERNEL_SIZES, STRIDES)
        return keras.KerasTensor((batch, frames, self.filters), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "mask_padding": self.mask_padding}


@keras.saving.register_keras_serializable(package="kser")
class FirstSampleFrameMask(keras.layers.Layer):
    """Which frames begin within the sound, as the published code counts them.

    It takes the mask at every 384th sample, so that the last two frames that it counts see padding as well.

    Call arguments:
        frames: tensor (batch, frames, channels).
        padding_mask: bool tensor (batch, samples).

    Returns:
        bool tensor (batch, frames).
    """

    def build(self, frames_shape, padding_mask_shape):
        self.built = True

    def call(self, frames, padding_mask):
        return padding_mask[:, ::SAMPLES_PER_FRAME][:, : ops.shape(frames)[1]]

    def compute_output_spec(self, frames, padding_mask):
        return keras.KerasTensor(frames.shape[:2], dtype="bool")
