"""A layer as a program of its own inside the compiled program of a training step, on JAX on a CPU.

XLA's CPU compiler merges a cheap sum into everything that reads it, and computes it again in each place. The
sum that runs past the layers of a transformer which normalises first is read by all layers, and so is its
gradient: each is computed anew from the first layer on, work that grows with the square of the depth (a
training step of 6, 12 and 24 large layers took 3.1, 6.5 and 21.8 s). JAX's optimization barrier is dropped
before that happens. A called function, if it may not be inlined, is a boundary that stays.
"""

from collections.abc import Callable
from typing import Any

import keras

from kser.models.computing_device import xla_on_cpu


def compute_apart(layer: keras.layers.Layer, function: Callable, *tensors: Any, training: Any = None) -> Any:
    """`function(*tensors, training=training)`, of a training step on JAX on a CPU as a program of its own.

    The outputs of matrix products with weights are kept for the backward pass, and the rest, attention above
    all, is computed again from them: less memory, and no more time, since the memory is slow.

    Args:
        layer: all weights and random states that the function uses are its own.
        function: gives a tensor or a structure of them.
        *tensors: its positional arguments, tensors.
        training: whether the model is being trained.
    """
    if not (training and _pays(tensors)):
        return function(*tensors, training=training)
    import jax
    from jax.experimental.xla_metadata import set_xla_metadata

    variables = layer.variables
    changing = [i for i, variable in enumerate(variables) if not variable.trainable]

    def program(values: list[Any], *tensors: Any) -> tuple[Any, list[Any]]:
        mapping = list(zip(variables, values, strict=True))
        # The boundary is around all of it, not around each function within.
        with set_xla_metadata(inlineable=None), keras.StatelessScope(state_mapping=mapping) as scope:
            output = function(*tensors, training=training)
        return output, [scope.get_current_value(variables[i]) for i in changing]

    policy = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    with set_xla_metadata(inlineable="false"):
        output, after = jax.jit(jax.checkpoint(program, policy=policy))(
            [variable.value for variable in variables], *tensors
        )
    for i, value in zip(changing, after, strict=True):
        variables[i].assign(value)
    return output


def computes_apart() -> bool:
    """Whether layers are programs of their own where a training step is compiled."""
    # Devices that share a batch share such a program, too. Weights divided among devices were not tried.
    distribution = keras.distribution.distribution()
    keeps_weights_whole = distribution is None or isinstance(distribution, keras.distribution.DataParallel)
    if keras.config.backend() != "jax" or not xla_on_cpu() or not keeps_weights_whole:
        return False
    import jax

    # Sums over devices within such programs once waited for each other for ever (three simulated devices on
    # two processors). Of processes, each on a machine of its own, nobody would end that.
    return jax.process_count() == 1


def _pays(tensors: tuple[Any, ...]) -> bool:
    if not computes_apart():
        return False
    import jax

    return isinstance(tensors[0], jax.core.Tracer)
