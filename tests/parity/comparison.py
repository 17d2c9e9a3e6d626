"""How hidden states are compared in the tests of parity; `kser.models.verification` computes them."""

import numpy as np

from kser.models.verification import BOUND as TOLERANCE
from kser.models.verification import hidden_states, hidden_states_model, mask_of

__all__ = ["TOLERANCE", "assert_equal_states", "hidden_states", "hidden_states_model", "mask_of"]


def assert_equal_states(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal shape, and at every layer and frame equal within `TOLERANCE`."""
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)
