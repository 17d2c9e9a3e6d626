"""The convolutions of Whisper's encoder, and which of its frames stand for sound."""

import keras
from keras import ops

from kser.models.initializers import SeededHeNormal
from kser.models.wav2vec2.feature_encoder import gelu
from kser.models.wav2vec2.spec_augment import SpecAugment, random_spans
from kser.models.whisper.whisper_log_mel import HOP_LENGTH


@keras.saving.register_keras_serializable(package="kser")
class WhisperFeatureEncoder(keras.layers.Layer):
    """Two convolutions over time, the second with stride 2.

    Frame j sees the spectra 2j - 2 … 2j + 2; those before the first are zero. Nothing is padded at the end:
    the spectrogram has what the last frame requires there.

    Args:
        filters: int, channels of both.

    Call arguments:
        spectra: tensor (batch, 2·frames + 1 or 2·frames + 2, mel bands).

    Returns:
        tensor (batch, frames, filters).

    Attributes:
        strides: from sample to spectrum and from spectrum to frame; a frame stands for their product.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = (HOP_LENGTH, 2)
        self.convolutions = [
            keras.layers.Conv1D(
                filters,
                3,
                strides=stride,
                kernel_initializer=SeededHeNormal(),
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index, stride in enumerate((1, 2))
        ]

    def build(self, spectra_shape):
        shape = spectra_shape
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = (*shape[:-1], self.filters)

    def call(self, spectra):
        x = spectra
        for convolution in self.convolutions:
            x = gelu(convolution(ops.pad(x, [[0, 0], [1, 0], [0, 0]])))
        return x

    def compute_output_spec(self, spectra):
        batch, length, _ = spectra.shape
        frames = None if length is None else (length - 1) // 2
        return keras.KerasTensor((batch, frames, self.filters), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="kser")
class CentredFrameMask(keras.layers.Layer):
    """Which frames have their centre within the sound: n samples have n / stride of them, rounded up.

    Args:
        stride: int, samples from one frame's centre to the next; the first is at the first sample.

    Call arguments:
        frames: tensor (batch, frames, channels).
        padding_mask: bool tensor (batch, samples), true for samples, false for padding at the end.

    Returns:
        bool tensor (batch, frames).
    """

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride

    def build(self, frames_shape, padding_mask_shape):
        self.built = True

    def call(self, frames, padding_mask):
        samples = ops.sum(ops.cast(padding_mask, "float32"), axis=1, keepdims=True)
        number = ops.cumsum(ops.ones_like(frames[:, :, 0], dtype="float32"), axis=1)
        return (number - 1.0) * self.stride < samples

    def compute_output_spec(self, frames, padding_mask):
        return keras.KerasTensor(frames.shape[:2], dtype="bool")

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable(package="kser")
class ZeroingSpecAugment(SpecAugment):
    """`SpecAugment` as Whisper has it: spans of time are zero as well, and no vector is learned for them."""

    def build(self, frames_shape, frame_mask_shape):
        self.built = True

    def call(self, frames, frame_mask, training=None):
        if training and self.mask_time_prob:
            masked = random_spans(
                frame_mask,
                self.mask_time_prob,
                self.mask_time_length,
                self.mask_time_min_masks,
                self.seed_generator,
            )
            frames = ops.where(ops.expand_dims(masked, -1), ops.zeros_like(frames), frames)
        if training and self.mask_feature_prob:
            masked = random_spans(
                ops.ones_like(frames[:, 0, :], dtype="bool"),
                self.mask_feature_prob,
                self.mask_feature_length,
                self.mask_feature_min_masks,
                self.seed_generator,
            )
            frames = ops.where(ops.expand_dims(masked, 1), ops.zeros_like(frames), frames)
        return frames
