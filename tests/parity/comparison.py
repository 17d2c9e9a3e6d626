"""How hidden states are compared in the tests of parity: by the criterion of `kser convert --verify`."""

import numpy as np

from kser.models.parity import parity
from kser.models.verification import hidden_states, hidden_states_model, mask_of

__all__ = ["assert_equal_arrays", "assert_equal_states", "hidden_states", "hidden_states_model", "mask_of"]


def assert_equal_states(actual: np.ndarray, exact: np.ndarray) -> None:
    """Each state (first axis) equals the exact one but for rounding, see `kser.models.parity.parity`."""
    assert actual.shape == exact.shape
    for state in range(len(exact)):
        assert_equal_arrays(actual[state], exact[state], f"state {state}")


def assert_equal_arrays(actual: np.ndarray, exact: np.ndarray, what: str = "the array") -> None:
    """The same of one array, say of logits."""
    found = parity(actual, exact)
    assert found.holds, f"{what}: {found.deviation}, allowed {found.allowed}"
