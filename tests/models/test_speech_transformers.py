"""What holds for the backbone of every family."""

import itertools
from collections.abc import Callable

import keras
import numpy as np
import pytest

from kser.models import SpeechBackbone, UniSpeechBackbone, Wav2Vec2Backbone
from tests.models.small_families import FAMILIES, SMALL
from tests.models.small_models import classifier, waveforms

LENGTHS = (400, 233)
RANDOM = {
    "feature_dropout": 0.2,
    "dropout": 0.2,
    "attention_dropout": 0.2,
    "activation_dropout": 0.2,
    "layer_drop": 0.5,
    "spec_augment": {"mask_time_prob": 0.5, "mask_time_length": 3, "mask_feature_prob": 0.3},
}


@pytest.fixture(autouse=True)
def same_weights_in_every_run() -> None:
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module", params=FAMILIES)
def build(request: pytest.FixtureRequest) -> Callable[..., SpeechBackbone]:
    return FAMILIES[request.param]


def batch() -> dict[str, np.ndarray]:
    """Utterances of `LENGTHS`, padded to the first."""
    audio = np.zeros((len(LENGTHS), LENGTHS[0]), np.float32)
    for row, utterance in zip(audio, waveforms(*LENGTHS), strict=True):
        row[: len(utterance)] = utterance
    return {"waveform": audio, "padding_mask": np.arange(LENGTHS[0]) < np.array(LENGTHS)[:, None]}


def outputs(model: keras.Model, inputs: dict[str, np.ndarray], training: bool = False):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs, training=training))


def with_weights_that_matter(backbone: SpeechBackbone) -> SpeechBackbone:
    """Scales and offsets are no longer those that hide a fault."""
    rng = np.random.default_rng(0)
    for variable in backbone.variables:
        if "seed" not in variable.path:
            noise = rng.normal(scale=0.2, size=variable.shape)
            variable.assign(variable + (np.abs(noise) if "variance" in variable.path else noise))
    return backbone


@pytest.mark.thorough
def test_utterance_gives_the_same_alone_and_in_a_batch(build) -> None:
    backbone = with_weights_that_matter(build())
    together = outputs(backbone, batch())
    for i, length in enumerate(LENGTHS):
        audio = batch()["waveform"][i : i + 1, :length]
        alone = outputs(backbone, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
        frames = alone["sequence_output"].shape[1]
        assert together["frame_mask"][i].sum() == frames
        np.testing.assert_allclose(
            together["sequence_output"][i, :frames], alone["sequence_output"][0], atol=1e-5
        )


@pytest.mark.thorough
def test_logits_of_an_utterance_are_the_same_alone_and_in_a_batch(build) -> None:
    model = classifier(with_weights_that_matter(build()))
    together = outputs(model, batch())
    audio = batch()["waveform"][1:2, : LENGTHS[1]]
    alone = outputs(model, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_config_builds_the_same_backbone(build) -> None:
    backbone = build(**RANDOM)
    again = type(backbone).from_config(backbone.get_config())
    assert again.get_config() == backbone.get_config()
    again.set_weights(backbone.get_weights())
    before, after = (outputs(model, batch())["sequence_output"] for model in (backbone, again))
    np.testing.assert_array_equal(after, before)


def test_every_argument_is_in_the_config_and_on_the_backbone(build) -> None:
    backbone = build(**RANDOM)
    for name, value in {**SMALL, **RANDOM}.items():
        assert backbone.get_config()[name] == value
        assert getattr(backbone, name) == value


@pytest.mark.thorough
def test_randomness_is_for_training_alone(build) -> None:
    backbone, plain = build(**RANDOM), build()
    states = keras.Model(backbone.input, backbone.hidden_states)
    first, second = (np.stack(outputs(states, batch())) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    shared = [variable for variable in backbone.weights if "mask_embedding" not in variable.path]
    for variable, source in zip(plain.weights, shared, strict=True):
        variable.assign(source)
    plain_states = keras.Model(plain.input, plain.hidden_states)
    np.testing.assert_array_equal(np.stack(outputs(plain_states, batch())), first)
    assert not np.allclose(np.stack(outputs(states, batch(), training=True)), first, atol=1e-2)


def test_hidden_states_are_one_more_than_layers_and_end_in_the_output(build) -> None:
    backbone = with_weights_that_matter(build())
    assert len(backbone.hidden_states) == SMALL["num_layers"] + 1
    states = outputs(keras.Model(backbone.input, backbone.hidden_states), batch())
    np.testing.assert_array_equal(states[-1], outputs(backbone, batch())["sequence_output"])
    assert all(np.abs(a - b).max() > 1e-2 for a, b in itertools.pairwise(states))


@pytest.mark.thorough
def test_shortest_audio_gives_one_frame(build) -> None:
    backbone = build()
    assert backbone.minimum_samples == 45
    audio = np.ones((1, 46), np.float32)
    for samples, frames in ((45, 1), (44, 0)):
        inputs = {"waveform": audio, "padding_mask": np.arange(46)[None] < samples}
        assert outputs(backbone, inputs)["frame_mask"].sum() == frames


def test_frozen_feature_encoder_keeps_its_weights_out_of_training(build) -> None:
    backbone = build()
    before = len(backbone.trainable_variables)
    encoder = len(backbone.feature_encoder.trainable_variables)
    backbone.freeze_feature_encoder()
    assert encoder > 0
    assert len(backbone.trainable_variables) == before - encoder


@pytest.mark.thorough
def test_bfloat16_is_close_to_float32(build) -> None:
    plain, mixed = build(), build(dtype="mixed_bfloat16")
    mixed.set_weights(plain.get_weights())
    exact = outputs(plain, batch())["sequence_output"].astype("float32")
    rough = outputs(mixed, batch())["sequence_output"].astype("float32")
    valid = outputs(plain, batch())["frame_mask"]
    error = np.linalg.norm((rough - exact)[valid]) / np.linalg.norm(exact[valid])
    assert 0 < error < 2e-2


@pytest.mark.parametrize("build", ["hubert_batch_norm", "data2vec_audio", "wav2vec2"], indirect=True)
def test_groups_that_do_not_divide_the_channels_are_refused(build) -> None:
    with pytest.raises(ValueError, match="groups=3, channels=16"):
        build(position_groups=3)


@pytest.mark.thorough
def test_unispeech_is_a_wav2vec2_with_another_name() -> None:
    assert issubclass(UniSpeechBackbone, Wav2Vec2Backbone)
    assert UniSpeechBackbone.__init__ is Wav2Vec2Backbone.__init__


@pytest.mark.thorough
def test_first_layer_of_wavlm_is_never_passed_by() -> None:
    dropped = {
        name: [FAMILIES[name](layer_drop=0.3).get_layer(f"transformer_layer_{i}").layer_drop for i in (0, 1)]
        for name in ("wavlm", "wav2vec2")
    }
    assert dropped == {"wavlm": [0.0, 0.3], "wav2vec2": [0.3, 0.3]}
