"""Random initial weights that are the same on every backend.

Keras draws initial weights with the backend's own generator, so one seed gives three models on three
backends. These initializers draw with NumPy from the integer seed that Keras hands out (which follows
`keras.utils.set_random_seed`): the same experiment starts from the same weights on JAX, TensorFlow and
PyTorch.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from kser.errors import UserError
from kser.models.computing_device import machine_memory

_draws = ContextVar("draws", default=True)


@contextmanager
def zeros_instead_of_draws() -> Iterator[None]:
    """Within this block the initializers give zeros, which cost no time: for weights that are loaded next."""
    token = _draws.set(False)
    try:
        yield
    finally:
        _draws.reset(token)


@dataclass
class _Room:
    numbers: int
    otherwise: str


_room: ContextVar[_Room | None] = ContextVar("room", default=None)


@contextmanager
def room_for_weights(numbers: int | None, otherwise: str) -> Iterator[None]:
    """Within this block the initializers make so many numbers in all and no more, however many are asked for.

    A configuration can ask for any number of them in a few digits. What other initializers make beside these,
    biases and norms, is little.

    Args:
        numbers: `None` for as many as the machine's memory holds as float32.
        otherwise: message of the `UserError` that is raised before one more is made.
    """
    if numbers is None:
        numbers = machine_memory() // 4
    token = _room.set(_Room(numbers, otherwise))
    try:
        yield
    finally:
        _room.reset(token)


def _take_room(shape: tuple[int, ...]) -> None:
    room = _room.get()
    if room is not None:
        room.numbers -= math.prod(shape)
        if room.numbers < 0:
            raise UserError(room.otherwise)


@keras.saving.register_keras_serializable(package="kser")
class SeededNormal(keras.initializers.RandomNormal):
    """Normal distribution; arguments as `keras.initializers.RandomNormal`, draws as NumPy."""

    def __call__(self, shape, dtype=None):
        _take_room(shape)
        if not _draws.get():
            return ops.zeros(shape, dtype=dtype)
        draws = np.random.default_rng(self.seed).normal(self.mean, self.stddev, size=shape)
        return ops.convert_to_tensor(draws.astype("float32"), dtype=dtype)


@keras.saving.register_keras_serializable(package="kser")
class SeededHeNormal(keras.initializers.Initializer):
    """He et al. (2015) normal initialisation for a kernel whose last axis is the outputs.

    Args:
        seed: int or `None` for one that follows `keras.utils.set_random_seed`.

    Source: [Delving Deep into Rectifiers](https://arxiv.org/abs/1502.01852).
    """

    def __init__(self, seed: int | None = None):
        self._normal = SeededNormal(mean=0.0, stddev=1.0, seed=seed)

    def __call__(self, shape, dtype=None):
        fan_in = max(1, int(np.prod(shape[:-1])))
        return self._normal(shape, dtype=dtype) * (2.0 / fan_in) ** 0.5

    def get_config(self):
        return {"seed": self._normal.get_config()["seed"]}
