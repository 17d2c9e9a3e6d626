"""Random heads under the names that published checkpoints have for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

OUTPUTS, PROJECTED = 3, 5


class WithHead(Protocol):
    """Writes a golden checkpoint with one of `HEADS` and further fields of its configuration."""

    def __call__(self, variant: str, head: str, **fields: object) -> tuple[Path, dict[str, np.ndarray]]: ...


def linear(x: np.ndarray, tensors: dict[str, np.ndarray], name: str) -> np.ndarray:
    """A linear layer of PyTorch."""
    return x @ tensors[f"{name}.weight"].T.astype(np.float64) + tensors[f"{name}.bias"]


def _random(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def _of_transformers(channels: int, states: int) -> dict[str, np.ndarray]:
    return _random(
        **{"projector.weight": (PROJECTED, channels), "projector.bias": (PROJECTED,)},
        **{"classifier.weight": (OUTPUTS, PROJECTED), "classifier.bias": (OUTPUTS,)},
        layer_weights=(states,),
    )


def _with_tanh(output: str) -> Callable[[int, int], dict[str, np.ndarray]]:
    return lambda channels, states: _random(
        **{"classifier.dense.weight": (channels, channels), "classifier.dense.bias": (channels,)},
        **{f"classifier.{output}.weight": (OUTPUTS, channels), f"classifier.{output}.bias": (OUTPUTS,)},
    )


def _x_vector(channels: int, states: int) -> dict[str, np.ndarray]:
    return {**_of_transformers(channels, states), **_random(**{"tdnn.0.kernel.weight": (4, 5 * PROJECTED)})}


HEADS: dict[str, Callable[[int, int], dict[str, np.ndarray]]] = {
    "of transformers": _of_transformers,
    "with tanh, out_proj": _with_tanh("out_proj"),
    "with tanh, output": _with_tanh("output"),
    "x-vector": _x_vector,
}
"""Tensors by name, of a head for hidden states of so many channels, and for so many of them."""
