"""Adam's update by a kernel of the backend: one pass over weights and moments, nothing kept in between.

JAX needs none, as XLA makes one pass of Keras' formulas.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Trained(NamedTuple):
    """A weight with its gradient, and what Adam keeps of it: means of gradients and of their squares."""

    gradient: Any
    variable: Any
    momentum: Any
    velocity: Any


def _pytorch_update(
    optimizer: Any, trained: Sequence[Trained], learning_rate: Any, first_update: int
) -> None:
    import torch
    from torch.optim.adam import adam

    gradients, variables, momentums, velocities = zip(*trained, strict=True)
    weights = [variable.value for variable in variables]
    updates = int(optimizer.iterations) - first_update
    # Keras adds epsilon before the bias of the velocity is corrected, PyTorch after.
    correction = math.sqrt(1.0 - optimizer.beta_2 ** (updates + 1))
    counts = torch.full((len(weights),), float(updates), device=weights[0].device)
    with torch.no_grad():
        adam(
            weights,
            # The kernel assumes the same memory layout for both.
            [
                gradient.to(weight.dtype).contiguous()
                for gradient, weight in zip(gradients, weights, strict=True)
            ],
            [momentum.value for momentum in momentums],
            [velocity.value for velocity in velocities],
            [],
            list(counts.unbind()),
            fused=True,
            amsgrad=False,
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            lr=float(learning_rate),
            weight_decay=0.0,
            eps=optimizer.epsilon / correction,
            maximize=False,
        )


def _tensorflow_update(
    optimizer: Any, trained: Sequence[Trained], learning_rate: Any, first_update: int
) -> None:
    import tensorflow as tf

    updates = tf.cast(optimizer.iterations + 1 - first_update, tf.float32)
    powers = [tf.pow(tf.constant(beta, tf.float32), updates) for beta in (optimizer.beta_1, optimizer.beta_2)]
    for gradient, variable, momentum, velocity in trained:
        dtype = variable.value.dtype
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=momentum.value.handle,
            v=velocity.value.handle,
            beta1_power=tf.cast(powers[0], dtype),
            beta2_power=tf.cast(powers[1], dtype),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(optimizer.beta_1, dtype),
            beta2=tf.cast(optimizer.beta_2, dtype),
            epsilon=tf.cast(optimizer.epsilon, dtype),
            # Made dense: that of an embedding has only the rows that were looked up.
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )


FUSED_UPDATES: dict[str, Callable[[Any, Sequence[Trained], Any, int], None]] = {
    "torch": _pytorch_update,
    "tensorflow": _tensorflow_update,
}
"""What `keras.optimizers.Adam` would do to weights that share a learning rate, by backend.

Args:
    optimizer: a `keras.optimizers.Adam`, for its constants and its count of updates.
    trained: the weights: a tensor and three Keras variables each.
    learning_rate: float or scalar tensor.
    first_update: which update was the first of these weights; 0 at the beginning.
"""
