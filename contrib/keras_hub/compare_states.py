"""The part of `compare` that runs in the copy of keras-hub: `keras_hub` is the one with the contribution."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np

from kser.models import SpeechAudioConverter, SpeechBackbone
from kser.models.parity import Parity, parity, worst_of
from kser.models.verification import hidden_states, hidden_states_model, load_reference, mask_of
from tests.golden import inputs_of_encoders


def compare(folder: Path) -> tuple[Parity, Parity]:
    """The built backbone of a checkpoint, compared with kser's and with transformers.

    Raises:
        AssertionError: the checkpoint is not loaded by the contribution, or a preset of it is another model.
    """
    backbone, converter = read_again(folder)
    built, kser = hidden_states_model(backbone), hidden_states_model(SpeechBackbone.from_preset(folder))
    waveforms, lengths = inputs_of_encoders()
    utterances = [waveform[:length] for waveform, length in zip(waveforms, lengths, strict=True)]
    inputs = {name: keras.ops.convert_to_numpy(value) for name, value in converter(utterances).items()}
    expected_inputs = SpeechAudioConverter.from_preset(folder)(utterances)
    np.testing.assert_allclose(inputs["waveform"], expected_inputs["waveform"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(inputs["padding_mask"], mask_of(lengths, waveforms.shape[1]))

    together = hidden_states(built, inputs["waveform"], inputs["padding_mask"])
    by_kser = hidden_states(kser, inputs["waveform"], inputs["padding_mask"])
    exact = exact_states(folder, inputs["waveform"], lengths)
    with_kser, with_transformers = [], []
    for i, states in enumerate(exact):
        frames = states.shape[1]
        with_kser += by_layer(together[:, i, :frames], by_kser[:, i, :frames])
        with_transformers += by_layer(together[:, i, :frames], states)
    # The longest fills the batch: of one shape with it, nothing is compiled again.
    alone = hidden_states(built, np.tile(inputs["waveform"][:1], (len(utterances), 1)))
    with_transformers += by_layer(alone[:, 0], exact[0])
    return worst_of(with_kser), worst_of(with_transformers)


def read_again(folder: Path) -> tuple[Any, Any]:
    """Backbone and audio converter of a checkpoint, from the preset that was written of them."""
    backbone = keras_hub.models.Backbone.from_preset(str(folder))
    assert type(backbone).__module__.startswith("keras_hub.src.models."), type(backbone)
    converter = keras_hub.layers.AudioConverter.from_preset(str(folder))
    with tempfile.TemporaryDirectory() as preset:
        backbone.save_to_preset(preset)
        converter.save_to_preset(preset)
        again = keras_hub.models.Backbone.from_preset(preset)
        converter_again = keras_hub.layers.AudioConverter.from_preset(preset)
    assert type(again) is type(backbone)
    assert again.get_config() == backbone.get_config()
    for weight, other in zip(again.weights, backbone.weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (weight, other)))
    assert converter_again.get_config() == converter.get_config()
    return again, converter_again


def exact_states(folder: Path, features: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
    """What transformers gives in float64 of each utterance alone, (layers + 1, frames, channels)."""
    stored = folder / "expected.npz"
    if stored.is_file():
        with np.load(stored) as file:
            return [file[f"hidden_states_unpadded_{i}"] for i in range(len(lengths))]
    reference = load_reference(folder)
    reference.model.double()
    return [reference.states(row[None, :length])[:, 0] for row, length in zip(features, lengths, strict=True)]


def by_layer(actual: np.ndarray, exact: np.ndarray) -> list[Parity]:
    return [parity(*states) for states in zip(actual, exact, strict=True)]


def main() -> None:
    holds = True
    for folder in map(Path, sys.argv[1:]):
        with_kser, with_transformers = compare(folder)
        found = with_kser.deviation.relative, with_transformers.deviation.relative
        print(f"{folder.name}: relative error with kser {found[0]:.1e}, with transformers {found[1]:.1e}")
        holds = holds and with_kser.holds and with_transformers.holds
    sys.exit(not holds)


if __name__ == "__main__":
    main()
