"""How much memory training takes, before it takes it.

Weights, gradients and what the optimizer keeps follow exactly from the numbers of weights. What a step keeps
of the forward pass for the backward pass is an estimate: how many numbers a layer keeps for each frame was
fitted to what JAX keeps (`jax.vjp`) for models of kser in float32 with dropout, and on a CPU to what
`compute_apart` keeps. It is meant to be within a factor of 2 of the temporary memory that XLA plans for the
gradient. The form is that of [Korthikanti et al. (2022)](https://arxiv.org/abs/2205.05198), section 4.1.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras

from kser.models.computing_device import machine_memory
from kser.models.separate_program import computes_apart
from kser.models.wav2vec2.feature_encoder import convolved_length

# Numbers kept for each frame and channel of a transformer layer, for each frame and unit of its feed-forward
# network, and for each pair of frames and head.
_PER_CHANNEL, _PER_UNIT, _PER_PAIR = 12, 6, 4
# The same of a layer that computes the rest again (`compute_apart`): its input and its matrix products.
_PER_CHANNEL_APART, _PER_UNIT_APART = 6, 1
# In inference, where XLA uses the same memory for what comes later: of attention or of the feed-forward
# network, which takes more, and of both.
_PAIRS_AT_A_TIME, _UNITS_AT_A_TIME, _CHANNELS_AT_A_TIME = 3, 2, 3
# For each output of a convolution: kept where it is trained, in use at a time where it is not.
_PER_CONVOLVED, _PER_FROZEN_CONVOLVED = 5, 3
# For each number among the hidden states of a backbone without transformer.
_PER_HIDDEN_STATE = 5
_FACTOR = 2  # that estimates may be wrong by
_BYTES = 4  # float32, which weights and moments are kept in also with mixed precision


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that training a model takes on the device.

    Attributes:
        weights: of the model.
        gradients: one for each trained weight, and their sum where several batches make an update.
        optimizer: the two moments of AdamW, and the moving average of the weights where it is asked for.
        activations: of a step with the longest batch, an estimate; `None` where the architecture is unknown.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int | None

    @property
    def total(self) -> int:
        """Of all that is known."""
        return self.weights + self.gradients + self.optimizer + (self.activations or 0)

    @property
    def cannot_be_had(self) -> bool:
        """Whether a step takes more than the machine has even if it was estimated too high."""
        return self.activations is not None and self.activations > _FACTOR * machine_memory()


def estimate_memory(
    parameters: int, trained: int, accumulates: bool, averages: bool, activations: int | None
) -> MemoryEstimate:
    """The memory of a training run.

    Args:
        parameters: numbers of all weights.
        trained: those that are trained.
        accumulates: whether gradients of several batches are summed up.
        averages: whether a moving average of the weights is kept.
        activations: bytes, see `activation_bytes`.
    """
    return MemoryEstimate(
        weights=_BYTES * parameters,
        gradients=_BYTES * trained * (1 + accumulates),
        optimizer=_BYTES * trained * (2 + averages),
        activations=activations,
    )


def activation_bytes(backbone: Any, batch_size: int, samples: int) -> int:
    """What a training step keeps of the forward pass, or what inference has in use; an estimate.

    Args:
        backbone: a `SpeechBackbone` in which what is not trained is frozen; where all is, it computes as in
            inference.
        batch_size: utterances.
        samples: that they are padded to.
    """
    bytes_each = 2 if "16" in backbone.dtype_policy.compute_dtype else _BYTES
    convolved = _convolved(backbone, samples)
    if getattr(backbone, "intermediate_dim", None) is None:
        kept, in_use = _hidden_state_values(backbone, samples) * _PER_HIDDEN_STATE, 0
    else:
        layer, in_use = _transformer_layer_values(backbone, samples)
        kept = layer * _trained_layers(backbone)
    before = 0
    if convolved and backbone.feature_encoder.trainable_weights:
        kept += _PER_CONVOLVED * sum(convolved)
    elif convolved:
        before = _PER_FROZEN_CONVOLVED * max(convolved)
    afterwards = kept + in_use if computes_apart() else max(kept, in_use)
    return bytes_each * batch_size * max(before, afterwards)


def _convolved(backbone: Any, samples: int) -> list[int]:
    """Numbers that each convolution over the waveform gives for an utterance, where there are such."""
    if getattr(backbone, "feature_encoder", None) is None or not hasattr(backbone, "filters"):
        return []
    kernel_sizes, strides = backbone.kernel_sizes, backbone.strides
    return [
        convolved_length(samples, kernel_sizes[: depth + 1], strides[: depth + 1]) * channels
        for depth, channels in enumerate(backbone.filters)
    ]


def _transformer_layer_values(backbone: Any, samples: int) -> tuple[int, int]:
    """Numbers of an utterance that a transformer layer keeps, and those that it has in use with them."""
    frames = _shapes(backbone, backbone.output["sequence_output"], samples)[0][1]
    channels, units = backbone.hidden_dim, backbone.intermediate_dim
    pairs = backbone.num_heads * frames**2
    if not backbone.trainable_weights:
        at_a_time = max(_PAIRS_AT_A_TIME * pairs, _UNITS_AT_A_TIME * frames * units)
        return 0, at_a_time + _CHANNELS_AT_A_TIME * frames * channels
    in_use = frames * (_PER_CHANNEL * channels + _PER_UNIT * units) + _PER_PAIR * pairs
    kept = frames * (_PER_CHANNEL_APART * channels + _PER_UNIT_APART * units)
    return kept if computes_apart() else in_use, in_use


def _hidden_state_values(backbone: Any, samples: int) -> int:
    shapes = _shapes(backbone, list(backbone.hidden_states), samples)
    return sum(math.prod(shape[1:]) for shape in shapes)


def _shapes(backbone: Any, outputs: Any, samples: int) -> list[tuple[int, ...]]:
    """Shapes of outputs for one utterance, found without computing any."""
    model = keras.Model(backbone.input, outputs)
    spec = model.compute_output_spec(
        {
            "waveform": keras.KerasTensor((1, samples)),
            "padding_mask": keras.KerasTensor((1, samples), dtype="bool"),
        }
    )
    return [tuple(tensor.shape) for tensor in (spec if isinstance(spec, list) else [spec])]


def _trained_layers(backbone: Any) -> int:
    """Transformer layers that the backward pass comes to, from the lowest trained one to the highest."""
    layers = [layer for layer in backbone.layers if layer.name.startswith("transformer_layer_")]
    trained = [number for number, layer in enumerate(layers) if layer.trainable_weights]
    below = [layer for layer in backbone.layers if layer.name in ("feature_encoder", "feature_projection")]
    lowest = 0 if any(layer.trainable_weights for layer in below) else min(trained, default=0)
    return max(trained, default=-1) + 1 - lowest
