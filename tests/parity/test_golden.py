"""Published layouts give the hidden states that `transformers` gives (tests/golden/README.md)."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import pytest

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.models import (
    Data2VecAudioBackbone,
    HubertBackbone,
    SpeechAudioConverter,
    SpeechBackbone,
    UniSpeechBackbone,
    UniSpeechSatBackbone,
    Wav2Vec2Backbone,
    WavLMBackbone,
)
from tests.golden import VARIANTS, expected, gives_mask, golden_folder
from tests.parity.comparison import assert_equal_states, hidden_states, hidden_states_model, mask_of

FAMILIES = {
    "hubert": HubertBackbone,
    "hubert_large": HubertBackbone,
    "hubert_without_projection_norm": HubertBackbone,
    "hubert_batch_norm": HubertBackbone,
    "wavlm": WavLMBackbone,
    "wavlm_large": WavLMBackbone,
    "data2vec_audio": Data2VecAudioBackbone,
    "unispeech": UniSpeechBackbone,
    "unispeech_sat": UniSpeechSatBackbone,
}
PUBLISHED_CODE_LETS_PADDING_IN = ("hubert_batch_norm", "data2vec_audio")


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
        return not gives_mask(self.variant)

    @cached_property
    def model_as_published(self) -> keras.Model:
        """`model`, with the published treatment of padding in the position embedding."""
        if self.variant not in PUBLISHED_CODE_LETS_PADDING_IN:
            return self.model
        folder = golden_folder(self.variant)
        return hidden_states_model(SpeechBackbone.from_preset(folder, mask_position_padding=False))

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
    assert type(golden.backbone) is FAMILIES.get(golden.variant, Wav2Vec2Backbone)


@pytest.mark.slow  # compiles for each length; the next two tests say the same of two shapes
@pytest.mark.parametrize("utterance", [0, 1, 2])
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
    states = hidden_states(golden.model_as_published, inputs["waveform"], inputs["padding_mask"])
    if golden.sees_padding_as_sound:
        assert_equal_states(states, golden.expected["hidden_states_padded"])
    else:  # what a layer makes of the padding is nobody's concern
        for i, frames in enumerate(golden.expected["frames"]):
            assert_equal_states(states[:, i, :frames], golden.expected["hidden_states_padded"][:, i, :frames])


def test_converter_gives_the_published_features_of_each_alone(golden: Golden) -> None:
    inputs = SpeechAudioConverter.from_preset(golden_folder(golden.variant))(golden.utterances())
    np.testing.assert_allclose(inputs["waveform"], golden.expected["features_alone"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(inputs["padding_mask"].sum(axis=1), golden.expected["lengths"])


@pytest.mark.thorough
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
    # of the rest nothing is computed: heads, a vector for training with masks, a count of training steps
    rest = ("classifier.", "projector.", "lm_head.", "masked_spec_embed", "num_batches_tracked")
    assert all(any(part in name for part in rest) for name in checkpoint.unused_tensors())


@pytest.mark.parametrize("golden", PUBLISHED_CODE_LETS_PADDING_IN, indirect=True)
def test_padding_reaches_the_audio_in_the_published_code_alone(golden: Golden) -> None:
    features, lengths = golden.expected["features_alone"], golden.expected["lengths"]
    states = hidden_states(golden.model_as_published, features, mask_of(lengths, features.shape[1]))
    frames = golden.expected["frames"][2]
    alone = golden.expected["hidden_states_unpadded_2"]
    assert np.abs(states[:, 2, :frames] - alone).max() > 1e-2
    states = hidden_states(golden.model, features, mask_of(lengths, features.shape[1]))
    assert_equal_states(states[:, 2, :frames], alone)
