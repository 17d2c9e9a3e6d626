"""Adam's update by PyTorch's fused kernel: one pass over weights and moments instead of ten."""

import math
from collections.abc import Sequence
from typing import Any


def fused_update(
    optimizer: Any,
    gradients: Sequence[Any],
    variables: Sequence[Any],
    momentums: Sequence[Any],
    velocities: Sequence[Any],
    learning_rate: Any,
    updates: int,
) -> None:
    """What `keras.optimizers.Adam` would do, on PyTorch.

    Args:
        optimizer: a `keras.optimizers.Adam`, for its constants.
        gradients: tensor for each variable.
        variables: Keras variables.
        momentums: Keras variables, the means of the gradients.
        velocities: Keras variables, the means of their squares.
        learning_rate: float or scalar tensor.
        updates: how many these variables have had before.
    """
    import torch
    from torch.optim.adam import adam

    weights = [variable.value for variable in variables]
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
