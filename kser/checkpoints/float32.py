"""Every tensor is read as float32, whatever type it was saved in."""

import numpy as np

from kser.errors import UserError


def as_float32(elements: np.ndarray, source: str, *, copy: bool) -> np.ndarray:
    """The same numbers as float32, in C order.

    Args:
        elements: numbers of any type.
        source: what the error calls them, e.g. `"FILE: the tensor encoder.layer_norm.weight"`.
        copy: also copy what is float32 in C order already.

    Raises:
        UserError: a float64 is too large for float32.
    """
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return elements.astype(np.float32, order="C", copy=copy)
    except FloatingPointError:
        raise UserError(f"{source} has values beyond the range of float32 (3.4e38)") from None
