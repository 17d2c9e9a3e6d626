"""The encoder of Whisper: what it makes of padding, silence and lengths."""

import keras
import numpy as np
import pytest

from kser.models import SpeechBackbone, WhisperEncoderBackbone
from kser.models.whisper.whisper_log_mel import WhisperLogMel
from kser.models.whisper.whisper_transformer_layer import WhisperTransformerLayer
from tests.models.small_models import classifier, waveforms

LENGTHS = (4000, 2233, 0)
SMALL = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 24, "max_frames": 20}
RANDOM = {
    "dropout": 0.2,
    "attention_dropout": 0.2,
    "activation_dropout": 0.2,
    "layer_drop": 0.5,
    "spec_augment": {"mask_time_prob": 0.5, "mask_time_length": 3, "mask_feature_prob": 0.3},
}
EITHER = pytest.mark.parametrize("pad_to_maximum", [True, False])


@pytest.fixture(autouse=True)
def same_weights_in_every_run() -> None:
    keras.utils.set_random_seed(0)


def small(**arguments) -> WhisperEncoderBackbone:
    """20 positions are 0.4 s."""
    return WhisperEncoderBackbone(**{**SMALL, **arguments})


def batch(samples: int = LENGTHS[0], padding: float = 0.0) -> dict[str, np.ndarray]:
    """Utterances of `LENGTHS`, the last an empty place, padded to so many samples."""
    audio = np.full((len(LENGTHS), samples), padding, np.float32)
    for row, utterance in zip(audio, waveforms(*LENGTHS), strict=True):
        row[: len(utterance)] = 0.1 * utterance
    return {"waveform": audio, "padding_mask": np.arange(samples) < np.array(LENGTHS)[:, None]}


def outputs(model: keras.Model, inputs: dict[str, np.ndarray], training: bool = False):
    """Compiled, which takes less time than the first call of every single operation."""
    given = model(inputs, training=True) if training else model.predict_on_batch(inputs)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, given)


@EITHER
def test_utterance_gives_the_same_however_it_is_padded_and_whatever_the_padding_holds(pad_to_maximum) -> None:
    backbone = small(pad_to_maximum=pad_to_maximum)
    together = outputs(backbone, batch(5000, padding=np.nan))
    assert np.isfinite(together["sequence_output"]).all()
    audio = batch()["waveform"][1:2, : LENGTHS[1]]
    alone = outputs(backbone, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    valid = together["frame_mask"][1]
    assert valid.sum() == alone["frame_mask"].sum() == 7
    np.testing.assert_allclose(
        together["sequence_output"][1, valid], alone["sequence_output"][alone["frame_mask"]], atol=1e-5
    )


@EITHER
def test_logits_of_an_utterance_are_the_same_alone_and_in_a_batch(pad_to_maximum) -> None:
    model = classifier(small(pad_to_maximum=pad_to_maximum), preprocessor=None)
    together = outputs(model, batch())
    audio = batch()["waveform"][1:2, : LENGTHS[1]]
    alone = outputs(model, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_silence_is_attended_and_computed_only_as_published() -> None:
    published = small()
    cheap = small(pad_to_maximum=False)
    cheap.set_weights(published.get_weights())
    one, other = outputs(published, batch()), outputs(cheap, batch())
    assert one["sequence_output"].shape == (3, 20, 16)
    assert other["sequence_output"].shape == (3, 13, 16)
    first, second = (
        outputs(keras.Model(backbone.input, backbone.hidden_states), batch())
        for backbone in (published, cheap)
    )
    np.testing.assert_allclose(second[0][0], first[0][0, :13], atol=1e-6)
    assert np.abs(second[1][0] - first[1][0, :13]).max() > 1e-3


@EITHER
def test_longer_audio_is_cut_at_the_last_position(pad_to_maximum) -> None:
    backbone = small(pad_to_maximum=pad_to_maximum)
    assert backbone.maximum_samples == 6400
    audio = 0.1 * np.stack(waveforms(8000))
    whole = outputs(backbone, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    assert whole["sequence_output"].shape == (1, 20, 16)
    cut = {"waveform": audio[:, :6400], "padding_mask": np.ones((1, 6400), bool)}
    assert whole["frame_mask"].sum() == 20
    np.testing.assert_allclose(whole["sequence_output"], outputs(backbone, cut)["sequence_output"], atol=1e-5)


def test_padding_outside_as_it_does_inside_changes_nothing() -> None:
    backbone = small()
    assert small(pad_to_maximum=False).padded_samples is None
    assert backbone.padded_samples == 6400
    as_it_is, padded = outputs(backbone, batch()), outputs(backbone, batch(6400))
    np.testing.assert_array_equal(as_it_is["frame_mask"], padded["frame_mask"])
    np.testing.assert_allclose(as_it_is["sequence_output"], padded["sequence_output"], atol=1e-6)


@EITHER
def test_a_frame_begins_every_20_ms(pad_to_maximum) -> None:
    backbone = small(pad_to_maximum=pad_to_maximum)
    assert backbone.minimum_samples == 1
    audio = np.ones((4, 400), np.float32)
    mask = np.arange(400) < np.array([0, 1, 320, 321])[:, None]
    given = outputs(backbone, {"waveform": audio, "padding_mask": mask})
    np.testing.assert_array_equal(given["frame_mask"].sum(axis=1), [0, 1, 1, 2])
    assert given["sequence_output"].shape[1] == (20 if pad_to_maximum else 2)


def test_spectra_are_clipped_80_db_below_the_loudest_and_silence_is_flat() -> None:
    spectra = keras.ops.convert_to_numpy(
        WhisperLogMel(maximum_samples=6400)(batch()["waveform"], batch()["padding_mask"])
    )
    assert spectra.shape == (3, 41, 80)
    audible = spectra[:2, :-1]  # what is behind the last spectrum is zero
    np.testing.assert_allclose(np.ptp(audible, axis=(1, 2)), 2.0, rtol=1e-6)
    np.testing.assert_allclose(spectra[2, :-1], (-10 + 4) / 4)
    np.testing.assert_array_equal(spectra[:, -1], 0)


@EITHER
def test_config_builds_the_same_backbone_and_keeps_every_argument(pad_to_maximum) -> None:
    arguments = {**SMALL, **RANDOM, "num_mel_bins": 40, "pad_to_maximum": pad_to_maximum}
    backbone = small(**arguments)
    for name, value in arguments.items():
        assert backbone.get_config()[name] == getattr(backbone, name) == value
    again = WhisperEncoderBackbone.from_config(backbone.get_config())
    again.set_weights(backbone.get_weights())
    before, after = (outputs(model, batch())["sequence_output"] for model in (backbone, again))
    np.testing.assert_array_equal(after, before)


def test_layer_is_rebuilt_from_its_config() -> None:
    layer = WhisperTransformerLayer(2, 24, 0.1, 0.2, 0.3, 0.4, dtype="mixed_bfloat16")
    again = WhisperTransformerLayer.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.residual_dropout.rate, again.attention_dropout, again.inner_dropout.rate) == (0.1, 0.2, 0.3)
    assert (again.layer_drop, again.compute_dtype) == (0.4, "bfloat16")


def test_preset_loads_with_the_other_treatment_of_silence(tmp_path) -> None:
    backbone = small()
    backbone.save_to_preset(str(tmp_path))
    same = SpeechBackbone.from_preset(tmp_path)
    cheap = SpeechBackbone.from_preset(tmp_path, pad_to_maximum=False)
    assert (same.pad_to_maximum, cheap.pad_to_maximum) == (True, False)
    for loaded in (same, cheap):
        for one, other in zip(loaded.get_weights(), backbone.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.thorough
def test_randomness_is_for_training_alone() -> None:
    backbone, plain = small(pad_to_maximum=False, **RANDOM), small(pad_to_maximum=False)
    plain.set_weights(backbone.get_weights())
    expected = outputs(plain, batch())["sequence_output"]
    np.testing.assert_allclose(outputs(backbone, batch())["sequence_output"][:2], expected[:2], atol=1e-5)
    trained = outputs(backbone, batch(), training=True)["sequence_output"]
    assert np.isfinite(trained).all()
    assert not np.allclose(trained[:2], expected[:2], atol=1e-2)


@pytest.mark.thorough
@pytest.mark.parametrize("field", ["dropout", "attention_dropout", "activation_dropout", "spec_augment"])
def test_each_kind_of_randomness_changes_training(field: str) -> None:
    backbone = small(pad_to_maximum=False, **{field: RANDOM[field]})
    expected = outputs(backbone, batch())["sequence_output"][0]
    assert np.abs(outputs(backbone, batch(), training=True)["sequence_output"][0] - expected).max() > 1e-4


def test_dropped_layer_passes_its_input_on() -> None:
    layer = WhisperTransformerLayer(2, 24, layer_drop=1.0)
    frames = np.stack(waveforms(40, 40)).reshape(2, 10, 4)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(frames, training=True)), frames)
    assert np.abs(keras.ops.convert_to_numpy(layer(frames)) - frames).max() > 1e-3


@EITHER
def test_frozen_feature_encoder_keeps_two_convolutions_out_of_training(pad_to_maximum) -> None:
    backbone = small(pad_to_maximum=pad_to_maximum)
    before = len(backbone.trainable_variables)
    assert "position" not in " ".join(variable.path for variable in backbone.trainable_variables)
    backbone.freeze_feature_encoder()
    assert len(backbone.trainable_variables) == before - 4


def test_features_can_be_kept_only_where_the_rest_follows_from_those_of_the_sound() -> None:
    assert small(pad_to_maximum=False).feature_encoder.strides == (160, 2)
    assert not hasattr(small(), "feature_encoder")
    augmented = small(pad_to_maximum=False, spec_augment=RANDOM["spec_augment"])
    assert not hasattr(augmented, "feature_encoder")


def test_layers_are_frozen_and_adapted_as_those_of_other_families() -> None:
    backbone = small()
    assert [layer.name for layer in backbone.transformer_layers] == [
        "transformer_layer_0",
        "transformer_layer_1",
    ]
    backbone.freeze_layers(1)
    assert [layer.trainable for layer in backbone.transformer_layers] == [False, True]
    adapted = small()
    adapted.enable_lora(2)
    assert len(adapted.trainable_variables) == 2 * 2 * 2


@EITHER
def test_bfloat16_is_close_to_float32(pad_to_maximum) -> None:
    plain = small(pad_to_maximum=pad_to_maximum)
    mixed = small(pad_to_maximum=pad_to_maximum, dtype="mixed_bfloat16")
    mixed.set_weights(plain.get_weights())
    exact, rough = (
        outputs(model, batch())["sequence_output"].astype("float32")[:2] for model in (plain, mixed)
    )
    assert 0 < np.linalg.norm(rough - exact) / np.linalg.norm(exact) < 2e-2


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="num_heads=3, channels=16"):
        small(num_heads=3)
