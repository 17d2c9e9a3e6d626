"""How hidden states are compared in the tests of parity; `kser.models.verification` computes them."""

import numpy as np

from kser.models.verification import hidden_states, hidden_states_model, mask_of

__all__ = ["assert_equal_states", "hidden_states", "hidden_states_model", "mask_of"]

# Of each state, as a share of its norm. For these models float32 in transformers differs from float64 by
# up to 0.8e-6, in kser by up to 3.7e-6 on a processor without AVX-512.
RELATIVE_BOUND = 5e-6
# At one place. Padding that is taken for sound leaves frames of a hundredth of the others' spread, which the
# next norm enlarges, rounding and all: 2.7e-5 on the same processor, below 2e-5 on one with AVX-512. (The
# 2.6e-5 of wavlm_large there, in a frame of audio, has not been traced.)
LOCAL_BOUND = 5e-5


def assert_equal_states(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal shape; each state (first axis) within `RELATIVE_BOUND` and everywhere `LOCAL_BOUND`."""
    assert actual.shape == expected.shape
    for state, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        difference = np.asarray(ours, np.float64) - theirs
        assert np.linalg.norm(difference) <= RELATIVE_BOUND * np.linalg.norm(theirs), f"state {state}"
        assert np.abs(difference).max() <= LOCAL_BOUND, f"state {state}"
