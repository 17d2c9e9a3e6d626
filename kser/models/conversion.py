"""Assigning the tensors of a published checkpoint to the weights of a Keras model."""

import keras
import numpy as np

from kser.errors import UserError


def assign(variable: keras.Variable, value: np.ndarray, source: str) -> None:
    """Assign an array to a weight.

    Args:
        variable: the weight.
        value: array of the weight's shape.
        source: what the error calls the array, e.g. `"FOLDER: encoder.layer_norm.weight"`.

    Raises:
        UserError: the shapes differ.
    """
    if tuple(variable.shape) != value.shape:
        raise UserError(
            f"{source}: has shape {value.shape}, but config.json requires {tuple(variable.shape)}; "
            "the configuration and the weights do not match"
        )
    variable.assign(value)
