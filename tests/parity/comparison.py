"""How hidden states are computed and compared in the tests of parity."""

from collections.abc import Sequence

import keras
import numpy as np

from kser.models import SpeechBackbone

TOLERANCE = 2e-5


def hidden_states(
    model: keras.Model, waveform: np.ndarray, padding_mask: np.ndarray | None = None
) -> np.ndarray:
    """(layers + 1, batch, frames, hidden_dim) of `hidden_states_model`; without a mask nothing is padding."""
    mask = np.ones(waveform.shape, bool) if padding_mask is None else padding_mask
    return np.stack(model.predict_on_batch({"waveform": waveform, "padding_mask": mask}))


def hidden_states_model(backbone: SpeechBackbone) -> keras.Model:
    """The model that gives all hidden states, as the docstring of `SpeechBackbone` says."""
    return keras.Model(backbone.input, backbone.hidden_states)


def mask_of(lengths: Sequence[int] | np.ndarray, samples: int) -> np.ndarray:
    """Bool mask (batch, samples) of utterances padded at their end."""
    return np.arange(samples) < np.asarray(lengths)[:, None]


def assert_equal_states(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal shape, and at every layer and frame equal within `TOLERANCE`."""
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)
