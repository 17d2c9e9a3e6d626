"""The feature encoder in PyTorch's own functions, whose convolutions want the channels before the time.

Keras would turn the largest tensors of the model around before and after each convolution, and compute
activation and norm as several functions, each with a tensor of its own.
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
    from torch.nn.functional import conv1d, gelu

    x = waveform.to(_value(encoder.convolutions[0].kernel).dtype).unsqueeze(1)
    for index, (convolution, stride) in enumerate(zip(encoder.convolutions, encoder.strides, strict=True)):
        bias = _value(convolution.bias) if encoder.use_bias else None
        x = conv1d(x, outputs_first(_value(convolution.kernel)), bias, stride)
        if encoder.norm == "layer":
            x = encoder.layer_norms[index](x.transpose(1, 2)).transpose(1, 2)
        elif index == 0:
            frame_mask = encoder.first_frame_mask(x.transpose(1, 2), padding_mask)
            x = _normalised(x, frame_mask, encoder.group_norm)
        x = gelu(x)
    return x.transpose(1, 2)


def outputs_first(kernel: Any) -> Any:
    """A kernel (size, inputs, outputs) as PyTorch has it, (outputs, inputs, size).

    Turned around in two steps, of which each is fast: half of the time of one.
    """
    size, inputs, outputs = kernel.shape
    return kernel.transpose(0, 1).reshape(inputs * size, outputs).t().contiguous().view(outputs, inputs, size)


def _normalised(x: Any, frame_mask: Any, norm: Any) -> Any:
    """`MaskedGroupNormalization` of (batch, channels, frames), which are overwritten."""
    import torch

    computed_in, x = x.dtype, x.float()
    valid = frame_mask.unsqueeze(1).float()
    count = valid.sum(dim=2, keepdim=True).clamp(min=1.0)
    mean = torch.matmul(x, valid.transpose(1, 2)) / count
    x = x.sub_(mean).mul_(valid)
    variance = torch.linalg.vector_norm(x, dim=2, keepdim=True).square() / count
    scale = torch.rsqrt(variance + norm.epsilon) * _value(norm.scale).unsqueeze(1)
    return torch.addcmul(_value(norm.offset).unsqueeze(1), x, scale).to(computed_in)


def _value(variable: Any) -> Any:
    """The tensor of a Keras variable, in the type that the layer computes in."""
    return variable.value
