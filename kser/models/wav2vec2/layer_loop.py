"""Training deep models on JAX on a CPU: alike layers run as one loop over their stacked weights."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import keras

from kser.models.computing_device import xla_on_cpu

# Unrolled, the time of a training step under XLA on a CPU grows faster than the number of layers, and so does
# its compilation: 12 layers are still as fast so, 24 are not.
MOST_UNROLLED = 12


def loop_pays(layers: Sequence[Any]) -> bool:
    """Whether a training step is faster with some of these layers in a loop."""
    if keras.config.backend() != "jax" or not xla_on_cpu() or len(layers) <= MOST_UNROLLED:
        return False
    return any(len(run) > MOST_UNROLLED for run in runs_of_alike(layers))


def runs_of_alike(layers: Sequence[Any]) -> list[list[Any]]:
    """Neighbours that differ in nothing but the values of their weights, together."""
    return [list(run) for _, run in groupby(layers, key=_kind)]


def _kind(layer: Any) -> Any:
    """What must be the same in two layers for one program to serve both."""
    parts = [layer, *layer._flatten_layers(include_self=False)]
    settings = [
        (type(part), {k: v for k, v in part.get_config().items() if k not in ("name", "dtype", "seed")})
        for part in parts
    ]
    policies = [(part.dtype_policy.name, part.dtype_policy.quantization_mode) for part in parts]
    variables = [(v.shape, v.dtype, v.trainable) for v in layer.variables]
    return settings, policies, variables


def _weights(layer: Any) -> tuple[list[Any], list[Any]]:
    return layer.trainable_variables, layer.non_trainable_variables


def train_deep(below: Any, layers: Sequence[Any], norm: Any, inputs: Any) -> dict[str, Any] | None:
    """A backbone's outputs in training, its layers by `train_through`; `None` where no loop pays.

    Args:
        below: model from the backbone's inputs to the frames (batch, frames, channels), the frame mask, and
            what else each layer is called with.
        layers: the backbone's transformer layers.
        norm: layer after the last of them, or `None`.
        inputs: those of the backbone.
    """
    if not loop_pays(layers):
        return None
    x, *context = below(inputs, training=True)
    x = train_through(layers, x, context)[-1]
    return {"sequence_output": x if norm is None else norm(x), "frame_mask": context[0]}


def train_through(
    layers: Sequence[Any], x: Any, context: Sequence[Any], least: int | None = None
) -> list[Any]:
    """The layers one after the other, in training; runs of at least `least` alike ones as a loop.

    Args:
        layers: transformer layers, built.
        x: tensor (batch, frames, channels).
        context: what each of them is called with besides the frames.
        least: int, by default more than `MOST_UNROLLED`.

    Returns:
        list of tensors (batch, frames, channels), what each layer gives.
    """
    least = MOST_UNROLLED + 1 if least is None else least
    states: list[Any] = []
    for run in runs_of_alike(layers):
        if len(run) >= least and run[0].dtype_policy.quantization_mode is None:
            states += _loop(run, x, context)
        else:
            for layer in run:
                x = layer(x, *context, training=True)
                states.append(x)
        x = states[-1]
    return states


def _loop(layers: Sequence[Any], x: Any, context: Sequence[Any]) -> list[Any]:
    """The first layer's program with the weights and the random state of one layer after the other.

    Of each layer the outputs of its dense layers are kept for the backward pass; the rest, attention above
    all, is computed again from them.
    """
    import jax

    template = layers[0]
    stacked = [
        [jax.numpy.stack([w.value for w in same]) for same in zip(*kinds, strict=True)]
        for kinds in zip(*map(_weights, layers), strict=True)
    ]
    fixed = {id(weight) for weight in template.weights}
    random = [i for i, v in enumerate(template.non_trainable_variables) if id(v) not in fixed]

    def step(frames, weights):
        frames, after = template.stateless_call(*weights, frames, *context, training=True)
        return frames, (frames, [after[i] for i in random])

    policy = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    _, (states, advanced) = jax.lax.scan(jax.checkpoint(step, policy=policy), x, tuple(stacked))
    for i, values in zip(random, advanced, strict=True):
        for layer, value in zip(layers, values, strict=True):
            layer.non_trainable_variables[i].assign(value)
    return list(states)
