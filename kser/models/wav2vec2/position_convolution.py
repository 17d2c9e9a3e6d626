"""Relative position by one wide grouped convolution, weight-normalised, as Wav2Vec 2.0 has it."""

import functools

import keras
import numpy as np
from keras import ops

from kser.models.computing_device import xla_on_cpu
from kser.models.initializers import SeededNormal
from kser.models.wav2vec2.feature_encoder import gelu
from kser.models.wav2vec2.torch_convolutions import convolve_in_torch


@keras.saving.register_keras_serializable(package="kser")
class PositionConvolution(keras.layers.Layer):
    """`gelu(grouped convolution over time)`, to be added to its input.

    The kernel is `direction / ‖direction‖ · magnitude` with one magnitude for each of the `kernel_size`
    positions ([weight normalisation](https://arxiv.org/abs/1602.07868)), trained in that form.

    Args:
        kernel_size: int, frames.
        groups: int, groups of channels.

    Call arguments:
        frames: tensor (batch, frames, channels), zero where padded.

    Returns:
        tensor of the same shape.
    """

    def __init__(self, kernel_size, groups, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.groups = groups

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"`groups` must divide the channels. Received: groups={self.groups}, channels={channels}"
            )
        shape = (self.kernel_size, channels // self.groups, channels)
        stddev = (4.0 / (self.kernel_size * channels)) ** 0.5
        self.direction = self.add_weight(
            name="direction", shape=shape, initializer=SeededNormal(mean=0.0, stddev=stddev)
        )
        # The initial magnitude leaves the initial kernel as drawn: the norm of that many normal draws.
        norm = stddev * (channels // self.groups * channels) ** 0.5
        self.magnitude = self.add_weight(
            name="magnitude", shape=(self.kernel_size, 1, 1), initializer=keras.initializers.Constant(norm)
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def kernel(self):
        """The normalised kernel, (kernel_size, channels // groups, channels)."""
        norm = ops.norm(self.direction, axis=(1, 2), keepdims=True)
        return self.direction * (self.magnitude / norm)

    def call(self, frames):
        return gelu(convolve_around(frames, self.kernel(), self.groups) + self.bias)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size, "groups": self.groups}


def convolve_around(frames, kernel, groups):
    """Grouped convolution over time that gives as many frames as there were, zeros before and after them.

    It is `grouped_convolution(pad_around(frames, kernel_size), kernel, groups)`, and on a GPU it is computed
    that way. XLA and TensorFlow on a CPU have no fast kernel for it, above all backwards: there wide kernels
    go through frequencies.

    Args:
        frames: tensor (batch, frames, channels).
        kernel: tensor (kernel_size, channels // groups, channels).
        groups: int.

    Returns:
        tensor (batch, frames, channels).
    """
    if xla_on_cpu() and pays_through_frequencies(frames.shape, kernel.shape, kernel.dtype):
        return convolve_by_frequencies(frames, kernel, groups)
    padded = pad_around(frames, kernel.shape[0])
    if keras.config.backend() == "torch":
        return convolve_in_torch(padded, ops.convert_to_tensor(kernel), groups=groups)
    return (split_convolution if xla_on_cpu() else grouped_convolution)(padded, kernel, groups)


def pad_around(frames, kernel_size):
    """Zero frames on both sides, so that a convolution gives as many frames as there were.

    An even kernel reaches one frame further back than ahead.

    Args:
        frames: tensor (batch, frames, channels).
        kernel_size: int.

    Returns:
        tensor (batch, frames + kernel_size - 1, channels).
    """
    before = kernel_size // 2
    return ops.pad(frames, [[0, 0], [before, kernel_size - 1 - before], [0, 0]])


def grouped_convolution(frames, kernel, groups):
    """Unpadded convolution over time in which each group of channels sees only itself.

    Args:
        frames: tensor (batch, frames, channels).
        kernel: tensor (kernel_size, channels // groups, channels).
        groups: int.

    Returns:
        tensor (batch, frames - kernel_size + 1, channels).
    """
    if frames.shape[-1] != groups * kernel.shape[1]:
        raise ValueError(f"`groups` does not fit. Received: {groups}, {frames.shape}, {kernel.shape}")
    return ops.conv(frames, kernel, padding="valid")


def split_convolution(frames, kernel, groups):
    """`grouped_convolution` as one convolution a group, ten times faster under XLA on a CPU (base size)."""
    parts = zip(ops.split(frames, groups, axis=-1), ops.split(kernel, groups, axis=-1), strict=True)
    return ops.concatenate([ops.conv(x, k, padding="valid") for x, k in parts], axis=-1)


def convolve_by_frequencies(frames, kernel, groups):
    """`convolve_around` as a product of spectra: a real Fourier transform written as matrix products.

    The number of frames must be known. The transform's period is longer than the frames by as much as the
    kernel reaches to one side: what wraps around falls on zeros or on frames that are not used.
    """
    (_, length, channels), (kernel_size, group_dim, _) = frames.shape, kernel.shape
    output_dim = channels // groups
    batch = ops.shape(frames)[0]
    forward, of_kernel, inverse = fourier_matrices(length, kernel_size)
    rows = forward.shape[0]  # real parts of all frequencies, then imaginary parts
    half = rows // 2
    # (rows, batch, channels) → one matrix product for each frequency and group, (2 · batch, group_dim) each
    x = ops.einsum("rt,btc->rbc", forward, frames)
    x = ops.transpose(ops.reshape(x, (2, half, batch, groups, group_dim)), (1, 3, 0, 2, 4))
    x = ops.reshape(x, (half, groups, 2 * batch, group_dim))
    k = ops.transpose(ops.reshape(kernel, (kernel_size, group_dim, groups, output_dim)), (0, 2, 1, 3))
    k = ops.matmul(of_kernel, ops.reshape(k, (kernel_size, groups * group_dim * output_dim)))
    k = ops.reshape(k, (2, half, groups, group_dim, output_dim))
    by_real, by_imaginary = (
        ops.reshape(ops.matmul(x, part), (half, groups, 2, batch, output_dim)) for part in (k[0], k[1])
    )
    real = by_real[:, :, 0] - by_imaginary[:, :, 1]
    imaginary = by_imaginary[:, :, 0] + by_real[:, :, 1]
    y = ops.transpose(ops.stack([real, imaginary]), (3, 0, 1, 2, 4))
    return ops.matmul(inverse, ops.reshape(y, (batch, rows, channels)))


@functools.lru_cache(maxsize=16)
def fourier_matrices(length: int, kernel_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames to spectrum (rows, frames), kernel to spectrum (rows, kernel_size), and back (frames, rows).

    A row for the real part of each frequency, then one for the imaginary part, float32.
    """
    before = kernel_size // 2
    period = length + max(before, kernel_size - 1 - before)
    period += period % 2
    frequency = np.arange(period // 2 + 1)[:, None]
    # Whole periods are taken off before the cosine: exact for any length.
    angle = 2 * np.pi * (frequency * np.arange(length) % period) / period
    kernel_angle = 2 * np.pi * (frequency * (np.arange(kernel_size) - before) % period) / period
    # The frequencies that are not computed are the mirror image of those between the first and the last.
    share = np.where((frequency == 0) | (frequency == period // 2), 1, 2) / period
    # A convolution of neural networks is a correlation: the kernel's spectrum is the conjugate.
    return (
        np.concatenate([np.cos(angle), -np.sin(angle)]).astype(np.float32),
        np.concatenate([np.cos(kernel_angle), np.sin(kernel_angle)]).astype(np.float32),
        np.concatenate([share * np.cos(angle), -share * np.sin(angle)]).T.astype(np.float32),
    )


def pays_through_frequencies(frames_shape, kernel_shape, dtype) -> bool:
    """Whether `convolve_by_frequencies` is the faster form on a CPU (measured under XLA, base and large).

    Its products are smaller and reach half the rate, so it must save half of the arithmetic: with the
    published kernel of 128 frames it does from a batch of 4 utterances of 4 s. It needs float32.
    """
    (batch, length, _), (kernel_size, group_dim, _) = frames_shape, kernel_shape
    known = isinstance(batch, int) and isinstance(length, int)  # in what JAX exports these may be symbols
    if not known or keras.backend.standardize_dtype(dtype) != "float32":
        return False
    rows = length + kernel_size // 2 + 2
    direct = batch * length * kernel_size * group_dim
    of_kernel = rows * kernel_size * group_dim
    of_frames = 2 * batch * rows * length + 2 * batch * rows * group_dim
    return direct > 2 * (of_kernel + of_frames)
