"""Encoders of published layouts with a decoder give the hidden states that `transformers` gives."""

import logging

import numpy as np
import pytest

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from kser.files import read_json, write_json
from kser.models import MoonshineEncoderBackbone, SpeechBackbone, WhisperEncoderBackbone
from tests.golden import ENCODERS, expected_of_encoder, golden_folder, inputs_of_encoders
from tests.parity.comparison import assert_equal_states, hidden_states, hidden_states_model, mask_of

CLASSES: dict[str, type[SpeechBackbone]] = {
    "whisper": WhisperEncoderBackbone,
    "moonshine": MoonshineEncoderBackbone,
}


@pytest.mark.parametrize("name", ENCODERS)
def test_padded_batch_equals_each_alone_in_transformers(name: str) -> None:
    waveforms, lengths = inputs_of_encoders()
    backbone = SpeechBackbone.from_preset(golden_folder(name))
    assert type(backbone) is CLASSES[name]
    model = hidden_states_model(backbone)
    states = hidden_states(model, waveforms, mask_of(lengths, waveforms.shape[1]))
    for i, length in enumerate(lengths):
        theirs = expected_of_encoder(name)[f"hidden_states_unpadded_{i}"]
        assert_equal_states(states[:, i, : theirs.shape[1]], theirs)
        frames = 50 if name == "whisper" else (length - 895) // 384 + 1
        assert theirs.shape == (3, frames, 16)


def test_frame_mask_of_whisper_counts_the_frames_with_sound() -> None:
    waveforms, lengths = inputs_of_encoders()
    backbone = SpeechBackbone.from_preset(golden_folder("whisper"))
    inputs = {"waveform": waveforms, "padding_mask": mask_of(lengths, waveforms.shape[1])}
    frame_mask = np.asarray(backbone.predict_on_batch(inputs)["frame_mask"])
    np.testing.assert_array_equal(frame_mask, mask_of([25, 18, 11], 50))


def test_moonshine_with_the_published_treatment_of_padding() -> None:
    waveforms, lengths = inputs_of_encoders()
    backbone = SpeechBackbone.from_preset(golden_folder("moonshine"), mask_feature_padding=False)
    states = hidden_states(hidden_states_model(backbone), waveforms, mask_of(lengths, waveforms.shape[1]))
    assert_equal_states(states, expected_of_encoder("moonshine")["hidden_states_padded"])


@pytest.mark.parametrize("name", ENCODERS)
def test_every_tensor_of_the_encoder_is_used_and_the_decoder_is_no_news(name: str, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        backbone = SpeechBackbone.from_preset(golden_folder(name))
    assert not caplog.records
    checkpoint = PublishedCheckpoint(golden_folder(name))
    backbone.convert_weights(checkpoint)
    assert checkpoint.unused_tensors()
    assert all(tensor.startswith("model.decoder.") for tensor in checkpoint.unused_tensors())


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("whisper", {"activation_function": "relu"}, "activation_function is 'relu'"),
        ("moonshine", {"encoder_hidden_act": "relu"}, "encoder_hidden_act is 'relu'"),
        ("moonshine", {"attention_bias": True}, "attention_bias is True"),
        ("moonshine", {"encoder_num_key_value_heads": 1}, "encoder_num_key_value_heads is 1"),
        ("moonshine", {"rope_parameters": {"rope_type": "linear"}}, "rope_type is 'linear'"),
        ("moonshine", {"intermediate_size": 24}, "intermediate_dim=24"),
        ("whisper", {"max_source_positions": 60}, "embed_positions.weight: has shape (50, 16)"),
    ],
)
def test_what_is_not_supported_is_refused(tmp_path, name: str, fields: dict, message: str) -> None:
    for file in golden_folder(name).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_json(tmp_path / "config.json", {**read_json(tmp_path / "config.json"), **fields})
    with pytest.raises(UserError) as refused:
        SpeechBackbone.from_preset(tmp_path)
    assert message in str(refused.value)


def test_configuration_of_moonshine_in_the_spelling_of_transformers_4(tmp_path) -> None:
    config = read_json(golden_folder("moonshine") / "config.json")
    rotary = config.pop("rope_parameters")
    older = {**config, "partial_rotary_factor": rotary["partial_rotary_factor"], "rope_theta": 500.0}
    write_json(tmp_path / "config.json", {**older, "rope_scaling": None})
    arguments = MoonshineEncoderBackbone.convert_config(PublishedCheckpoint(tmp_path))
    assert (arguments["rotary_dim"], arguments["rotary_base"]) == (6, 500.0)
