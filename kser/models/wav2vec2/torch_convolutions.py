"""Convolutions over time and the feature encoder in PyTorch's own functions.

Keras would turn the largest tensors of the model around before and after each convolution, since PyTorch has
the channels before the time, and compute activation and norm as several functions, each with a tensor of its
own. Where nothing is learned, PyTorch's convolution over images that lie in memory channels last takes the
frames as they are.
"""

from typing import Any


def encode_in_torch(encoder: Any, waveform: Any, padding_mask: Any) -> Any:
    """What a `FeatureEncoder` makes of a waveform.

    Args:
        encoder: a `FeatureEncoder`, built, on the PyTorch backend.
        waveform: tensor (batch, samples), zero where padded.
        padding_mask: bool tensor (batch, samples).

    Returns:
        tensor (batch, frames, channels).
    """
    from torch.nn.functional import gelu

    x = waveform.to(encoder.convolutions[0].kernel.value.dtype).unsqueeze(2)
    for index, (convolution, stride) in enumerate(zip(encoder.convolutions, encoder.strides, strict=True)):
        bias = convolution.bias.value if encoder.use_bias else None
        x = convolve_in_torch(x, convolution.kernel.value, bias, stride)
        if encoder.norm == "layer":
            x = encoder.layer_norms[index](x)
        elif index == 0:
            x = _normalise(x, encoder.first_frame_mask(x, padding_mask), encoder.group_norm)
        x = gelu(x)
    return x


def convolve_in_torch(frames: Any, kernel: Any, bias: Any = None, stride: int = 1, groups: int = 1) -> Any:
    """Unpadded convolution over time.

    Args:
        frames: tensor (batch, frames, channels).
        kernel: tensor (size, channels // groups, filters).
        bias: tensor (filters,), or `None`.
        stride: int, frames.
        groups: int.

    Returns:
        tensor (batch, (frames - size) // stride + 1, filters).
    """
    import torch
    from torch.nn.functional import conv1d, conv2d

    learned = kernel.requires_grad and torch.is_grad_enabled()
    x = frames.transpose(1, 2)
    if frames.device.type == "cpu" and (groups > 1 or not learned):
        kernel = _outputs_first(kernel).unsqueeze(1).permute(0, 3, 1, 2)
        return conv2d(x.unsqueeze(2), kernel, bias, (1, stride), groups=groups).squeeze(2).transpose(1, 2)
    # The gradient of an ungrouped kernel comes slower from an image: 2.1 instead of 1.6 s, base, 4 × 4 s.
    kernel = _outputs_first(kernel).transpose(1, 2).contiguous()
    return conv1d(x, kernel, bias, stride, groups=groups).transpose(1, 2)


def _outputs_first(kernel: Any) -> Any:
    """A kernel (size, inputs, outputs) as (outputs, size, inputs), in one step that is fast."""
    size, inputs, outputs = kernel.shape
    return kernel.reshape(size * inputs, outputs).t().contiguous().view(outputs, size, inputs)


def _normalise(x: Any, frame_mask: Any, norm: Any) -> Any:
    """`MaskedGroupNormalization` of (batch, frames, channels), which are overwritten.

    What stands where the mask is false is anything.
    """
    import torch

    scale, offset = norm.scale.value.float(), norm.offset.value.float()
    exported = torch.compiler.is_compiling() or torch.compiler.is_exporting()
    if x.device.type == "cpu" and not x.requires_grad and not exported:
        for row, count in enumerate(frame_mask.sum(dim=1).tolist()):
            frames = x[row : row + 1, :count]
            frames.copy_(_normalise_unpadded(frames, scale, offset, norm.epsilon))
        return x
    computed_in, x = x.dtype, x.float()
    valid = frame_mask.unsqueeze(2).float()
    count = valid.sum(dim=1, keepdim=True).clamp(min=1.0)
    mean = (x * valid).sum(dim=1, keepdim=True) / count
    x = (x - mean) * valid
    variance = x.square().sum(dim=1, keepdim=True) / count
    return (x * ((variance + norm.epsilon).rsqrt() * scale) + offset).to(computed_in)


def _normalise_unpadded(frames: Any, scale: Any, offset: Any, epsilon: float) -> Any:
    """The same of (1, frames, channels) without padding."""
    from torch import group_norm

    image = frames.float().transpose(1, 2).unsqueeze(2)
    return group_norm(image, image.shape[1], scale, offset, epsilon).squeeze(2).transpose(1, 2)
