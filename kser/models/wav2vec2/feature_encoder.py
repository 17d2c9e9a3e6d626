"""The convolutional feature encoder of Wav2Vec 2.0 and its relatives: waveform → frames."""

import math

import keras
import numpy as np
from keras import ops

from kser.models.initializers import SeededHeNormal
from kser.models.wav2vec2.torch_convolutions import encode_in_torch


def gelu(x):
    """Gaussian error linear unit, exact form (https://arxiv.org/abs/1606.08415), any shape.

    Written with `erf` because that is faster than `ops.gelu` under XLA and survives every export format.
    PyTorch has it as one function.
    """
    if keras.config.backend() == "torch":
        return ops.gelu(x, approximate=False)
    return 0.5 * x * (1.0 + ops.erf(x * (1.0 / math.sqrt(2.0))))


def convolved_length(length, kernel_sizes, strides):
    """Frames that a stack of unpadded convolutions gives.

    Args:
        length: samples; an int, or a float tensor (floats keep exported graphs simple, exact up to 2**24).
        kernel_sizes: one int for each convolution.
        strides: one int for each convolution.

    Returns:
        Frames, of the type of `length`; an input shorter than the receptive field gives 0.
    """
    if isinstance(length, int):
        for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
            length = max(0, (length - kernel_size) // stride + 1)
        return length
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        length = ops.maximum(ops.floor((length - kernel_size) / stride) + 1.0, 0.0)
    return length


def mask_frames(frames, padding_mask, kernel_sizes, strides):
    """Which frames come only from valid samples.

    Args:
        frames: tensor (batch, frames, channels), what the convolutions made of the padded samples.
        padding_mask: bool tensor (batch, samples), true for samples, false for padding at the end.
        kernel_sizes: kernel sizes of the convolutions in between.
        strides: their strides.

    Returns:
        bool tensor (batch, frames).
    """
    samples = ops.sum(ops.cast(padding_mask, "float32"), axis=1)
    valid = convolved_length(samples, kernel_sizes, strides)
    # Counted with a running sum and not `arange(shape)`: it exports with a dynamic time axis.
    position = ops.cumsum(ops.ones_like(frames[:, :, 0], dtype="float32"), axis=1)
    return position <= ops.expand_dims(valid, 1)


@keras.saving.register_keras_serializable(package="kser")
class FrameMask(keras.layers.Layer):
    """Padding mask of samples (batch, samples) → mask of frames (batch, frames), see `mask_frames`.

    Args:
        kernel_sizes: list of int, kernel sizes of the convolutions between samples and frames.
        strides: list of int, their strides.
    """

    def __init__(self, kernel_sizes, strides, **kwargs):
        super().__init__(**kwargs)
        self.kernel_sizes = list(kernel_sizes)
        self.strides = list(strides)

    def build(self, frames_shape, padding_mask_shape):
        self.built = True

    def call(self, frames, padding_mask):
        return mask_frames(frames, padding_mask, self.kernel_sizes, self.strides)

    def compute_output_spec(self, frames, padding_mask):
        return keras.KerasTensor(frames.shape[:2], dtype="bool")

    def get_config(self):
        return {**super().get_config(), "kernel_sizes": self.kernel_sizes, "strides": self.strides}


@keras.saving.register_keras_serializable(package="kser")
class ZeroPaddedFrames(keras.layers.Layer):
    """Sets the frames outside the mask to zero: frames (batch, frames, channels), mask (batch, frames)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # A mask that Keras attached by itself ends here: from here on the zeros say the same.
        self.supports_masking = True

    def build(self, frames_shape, frame_mask_shape):
        self.built = True

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def call(self, frames, frame_mask):
        # A choice and not a product: the padding may hold anything, even NaN.
        return ops.where(ops.expand_dims(frame_mask, -1), frames, ops.zeros_like(frames))


def sum_over_frames(x):
    """Sum over time: (batch, frames, channels) → (batch, 1, channels).

    TensorFlow adds one number after the other, unless along the last axis: over 16 s with much silence the
    group norm was wrong by 1e-3. The other backends add blockwise along every axis.
    """
    if keras.config.backend() == "tensorflow":
        return ops.expand_dims(ops.sum(ops.transpose(x, (0, 2, 1)), axis=-1), 1)
    return ops.sum(x, axis=1, keepdims=True)


@keras.saving.register_keras_serializable(package="kser")
class MaskedGroupNormalization(keras.layers.Layer):
    """Normalises each channel over the valid frames of its own utterance.

    The published models normalise over the padding as well, so that an utterance's features depend on
    how long its neighbours in the batch are (https://github.com/huggingface/transformers/issues/21534).
    Over an unpadded utterance both are the same: a group norm with one channel a group.

    Args:
        epsilon: float, added to the variance.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames).
        mean: float32 tensor (batch, 1, channels), over the valid frames, where it is known; else computed.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(autocast=False, **kwargs)  # Keras would cast the float32 mean as well
        self.epsilon = epsilon

    def build(self, frames_shape, frame_mask_shape):
        channels = (frames_shape[-1],)
        self.scale = self.add_weight(name="scale", shape=channels, initializer="ones")
        self.offset = self.add_weight(name="offset", shape=channels, initializer="zeros")

    def call(self, frames, frame_mask, mean=None):
        # Statistics in float32 whatever the layer computes in: thousands of frames are summed.
        values = ops.cast(frames, "float32")
        valid = ops.expand_dims(ops.cast(frame_mask, "float32"), -1)
        count = ops.maximum(sum_over_frames(valid), 1.0)
        if mean is None:
            mean = sum_over_frames(values * valid) / count
        variance = sum_over_frames(ops.square((values - mean) * valid)) / count
        normalised = (values - mean) * ops.rsqrt(variance + self.epsilon)
        scaled = normalised * ops.cast(self.scale, "float32") + ops.cast(self.offset, "float32")
        return ops.cast(scaled, self.compute_dtype)

    def compute_output_spec(self, frames, frame_mask, mean=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="kser")
class FeatureEncoder(keras.layers.Layer):
    """Stack of strided convolutions over the waveform, each with GELU.

    Args:
        filters: list of int, channels of each convolution.
        kernel_sizes: list of int, in samples of the layer's input.
        strides: list of int.
        use_bias: bool, whether the convolutions have a bias.
        norm: `"group"` normalises each channel over time, only after the first convolution; `"layer"`
            normalises each frame over its channels after every convolution.

    Call arguments:
        waveform: float tensor (batch, samples).
        padding_mask: bool tensor (batch, samples).

    Returns:
        float tensor (batch, frames, filters[-1]).
    """

    def __init__(self, filters, kernel_sizes, strides, use_bias=False, norm="group", **kwargs):
        super().__init__(**kwargs)
        if norm not in ("group", "layer"):
            raise ValueError(f'`norm` must be "group" or "layer". Received: norm={norm!r}')
        self.filters = list(filters)
        self.kernel_sizes = list(kernel_sizes)
        self.strides = list(strides)
        self.use_bias = use_bias
        self.norm = norm
        self.convolutions = [
            keras.layers.Conv1D(
                channels,
                kernel_size,
                strides=stride,
                use_bias=use_bias,
                kernel_initializer=SeededHeNormal(),
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index, (channels, kernel_size, stride) in enumerate(
                zip(self.filters, self.kernel_sizes, self.strides, strict=True)
            )
        ]
        if norm == "group":
            self.group_norm = MaskedGroupNormalization(dtype=self.dtype_policy, name="group_norm")
        else:
            self.layer_norms = [
                keras.layers.LayerNormalization(
                    epsilon=1e-5, dtype=self.dtype_policy, name=f"layer_norm_{index}"
                )
                for index in range(len(self.filters))
            ]

    def build(self, waveform_shape, padding_mask_shape):
        shape = (*waveform_shape, 1)
        for index, convolution in enumerate(self.convolutions):
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            if self.norm == "layer":
                self.layer_norms[index].build(shape)
            elif index == 0:
                self.group_norm.build(shape, shape[:-1])

    def call(self, waveform, padding_mask):
        # A choice and not a product: the padding may hold anything, even NaN.
        waveform = ops.where(padding_mask, waveform, ops.zeros_like(waveform))
        if keras.config.backend() == "torch":
            return encode_in_torch(self, waveform, padding_mask)
        return self.encode(waveform, padding_mask)

    def encode(self, waveform, padding_mask):
        """The frames of a waveform that is zero where padded, in Keras' functions, on any backend."""
        x = ops.expand_dims(waveform, -1)
        for index, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if self.norm == "layer":
                x = self.layer_norms[index](x)
            elif index == 0:
                x = self._normalise_first(x, waveform, padding_mask)
            x = gelu(x)
        return x

    def first_frame_mask(self, frames, padding_mask):
        """Mask (batch, frames) of what the first convolution gives, (batch, frames, channels)."""
        return mask_frames(frames, padding_mask, self.kernel_sizes[:1], self.strides[:1])

    def _normalise_first(self, frames, waveform, padding_mask):
        """Group norm of the first convolution's frames, the largest tensor of all: read as little as can be.

        The mean of what a convolution gives is the convolution of the mean window. (The variance follows from
        the windows' covariance likewise, but in float32 a filter against low frequencies would lose it all.)
        """
        convolution, kernel_size, stride = self.convolutions[0], self.kernel_sizes[0], self.strides[0]
        frame_mask = self.first_frame_mask(frames, padding_mask)
        samples = ops.expand_dims(ops.cast(waveform, "float32"), -1)
        windows = ops.conv(samples, np.eye(kernel_size, dtype="float32")[:, None], strides=stride)
        valid = ops.expand_dims(ops.cast(frame_mask, "float32"), -1)
        window = sum_over_frames(windows * valid) / ops.maximum(sum_over_frames(valid), 1.0)
        mean = ops.matmul(window, ops.cast(convolution.kernel, "float32")[:, 0])
        if self.use_bias:
            mean = mean + ops.cast(convolution.bias, "float32")
        return self.group_norm(frames, frame_mask, mean)

    def compute_output_spec(self, waveform, padding_mask):
        batch, samples = waveform.shape
        frames = None if samples is None else convolved_length(samples, self.kernel_sizes, self.strides)
        return keras.KerasTensor((batch, frames, self.filters[-1]), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_sizes": self.kernel_sizes,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "norm": self.norm,
        }
