"""Published Wav2Vec 2.0 layouts give the hidden states that `transformers` gives (tests/golden/README.md)."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import pytest

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.models import SpeechAudioConverter, SpeechBackbone, Wav2Vec2Backbone
from tests.golden import VARIANTS, expected, golden_folder
from tests.parity.comparison import assert_equal_states, hidden_states, hidden_states_model, mask_of


@dataclass
class Golden:
    """A golden checkpoint, loaded, and what is expected of it."""

    variant: str

    @cached_property
    def expected(self) -> dict[str, np.ndarray]:
        return expected(self.variant)

    @cached_property
    def backbone(self) -> SpeechBackbone:
        return SpeechBackbone.from_preset(golden_folder(self.variant))

    @cached_property
    def model(self) -> keras.Model:
        return hidden_states_model(self.backbone)

    @property
    def sees_padding_as_sound(self) -> bool:
        """Whether the published recipe gives this checkpoint no mask."""
        return self.backbone.feature_norm == "group"

    def utterances(self) -> list[np.ndarray]:
        """The raw waveforms, each of its own length."""
        lengths = self.expected["lengths"]
        return [
            waveform[:length] for waveform, length in zip(self.expected["waveforms"], lengths, strict=True)
        ]


@pytest.fixture(scope="module", params=VARIANTS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


def test_base_class_finds_the_family(golden: Golden) -> None:
    assert type(golden.backbone) is Wav2Vec2Backbone


@pytest.mark.parametrize(
    "utterance", [pytest.param(0, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.slow), 2]
)
def test_utterance_alone(golden: Golden, utterance: int) -> None:
    length = golden.expected["lengths"][utterance]
    states = hidden_states(
        golden.model, golden.expected["features_alone"][utterance : utterance + 1, :length]
    )
    assert_equal_states(states[:, 0], golden.expected[f"hidden_states_unpadded_{utterance}"])


def test_batch_without_padding_equals_the_utterance_alone(golden: Golden) -> None:
    states = hidden_states(golden.model, np.tile(golden.expected["features_alone"][:1], (3, 1)))
    for i in range(3):
        assert_equal_states(states[:, i], golden.expected["hidden_states_unpadded_0"])


def test_padded_batch_equals_each_alone(golden: Golden) -> None:
    features = golden.expected["features_alone"]
    states = hidden_states(golden.model, features, mask_of(golden.expected["lengths"], features.shape[1]))
    for i, frames in enumerate(golden.expected["frames"]):
        assert_equal_states(states[:, i, :frames], golden.expected[f"hidden_states_unpadded_{i}"])


def test_padded_batch_as_published(golden: Golden) -> None:
    converter = SpeechAudioConverter.from_preset(
        golden_folder(golden.variant), mask_padding=not golden.sees_padding_as_sound
    )
    inputs = converter(golden.utterances())
    np.testing.assert_allclose(inputs["waveform"], golden.expected["features"], rtol=0, atol=1e-5)
    assert inputs["padding_mask"].all() == golden.sees_padding_as_sound
    states = hidden_states(golden.model, inputs["waveform"], inputs["padding_mask"])
    if golden.sees_padding_as_sound:
        assert_equal_states(states, golden.expected["hidden_states_padded"])
    else:  # what a layer makes of the padding is nobody's concern
        for i, frames in enumerate(golden.expected["frames"]):
            assert_equal_states(states[:, i, :frames], golden.expected["hidden_states_padded"][:, i, :frames])


def test_converter_gives_the_published_features_of_each_alone(golden: Golden) -> None:
    inputs = SpeechAudioConverter.from_preset(golden_folder(golden.variant))(golden.utterances())
    np.testing.assert_allclose(inputs["waveform"], golden.expected["features_alone"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(inputs["padding_mask"].sum(axis=1), golden.expected["lengths"])


@pytest.mark.parametrize("golden", ["group_norm", "layer_norm"], indirect=True)
def test_sequence_output_is_the_last_hidden_state_and_the_mask_counts_the_frames(golden: Golden) -> None:
    features = golden.expected["features_alone"]
    inputs = {
        "waveform": features,
        "padding_mask": mask_of(golden.expected["lengths"], features.shape[1]),
    }
    outputs = golden.backbone.predict_on_batch(inputs)
    frame_mask = np.asarray(outputs["frame_mask"])
    np.testing.assert_array_equal(frame_mask, mask_of(golden.expected["frames"], frame_mask.shape[1]))
    last = hidden_states(golden.model, **inputs)[-1]
    np.testing.assert_allclose(
        np.asarray(outputs["sequence_output"])[frame_mask], last[frame_mask], atol=1e-5
    )


def test_every_tensor_that_describes_the_backbone_is_used(golden: Golden) -> None:
    checkpoint = PublishedCheckpoint(golden_folder(golden.variant))
    golden.backbone.convert_weights(checkpoint)
    head = ("classifier.", "projector.", "masked_spec_embed", "wav2vec2.masked_spec_embed")
    assert all(name.startswith(head) for name in checkpoint.unused_tensors())
