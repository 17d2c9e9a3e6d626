"""The encoder of Moonshine: padding, positions, and what its layers keep."""

import keras
import numpy as np
import pytest

from kser.models import MoonshineEncoderBackbone, SpeechBackbone
from kser.models.moonshine.rotary_transformer_layer import RotaryPositions, RotaryTransformerLayer, rotate
from tests.models.small_models import classifier, waveforms

LENGTHS = (4000, 2233, 0)
SMALL = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32, "rotary_dim": 6}


@pytest.fixture(autouse=True)
def same_weights_in_every_run() -> None:
    keras.utils.set_random_seed(0)


def small(**arguments) -> MoonshineEncoderBackbone:
    return MoonshineEncoderBackbone(**{**SMALL, **arguments})


def batch(samples: int = LENGTHS[0], padding: float = 0.0) -> dict[str, np.ndarray]:
    """Utterances of `LENGTHS`, the last an empty place, padded to so many samples."""
    audio = np.full((len(LENGTHS), samples), padding, np.float32)
    for row, utterance in zip(audio, waveforms(*LENGTHS), strict=True):
        row[: len(utterance)] = utterance
    return {"waveform": audio, "padding_mask": np.arange(samples) < np.array(LENGTHS)[:, None]}


def outputs(model: keras.Model, inputs: dict[str, np.ndarray], training: bool = False):
    """Compiled, which takes less time than the first call of every single operation."""
    given = model(inputs, training=True) if training else model.predict_on_batch(inputs)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, given)


@pytest.mark.thorough
def test_utterance_gives_the_same_however_it_is_padded_and_whatever_the_padding_holds() -> None:
    backbone = small()
    together = outputs(backbone, batch(6000, padding=np.nan))
    assert np.isfinite(together["sequence_output"]).all()
    audio = batch()["waveform"][1:2, : LENGTHS[1]]
    alone = outputs(backbone, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    assert alone["frame_mask"].all()
    valid = together["frame_mask"][1]
    assert valid.sum() == alone["frame_mask"].shape[1] == 4
    np.testing.assert_allclose(together["sequence_output"][1, valid], alone["sequence_output"][0], atol=1e-5)


def test_published_treatment_of_padding_lets_it_in() -> None:
    published = small(mask_feature_padding=False)
    audio = batch()["waveform"][1:2, : LENGTHS[1]]
    alone = outputs(published, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    frames = alone["sequence_output"].shape[1]
    together = outputs(published, batch())
    assert together["frame_mask"][1].sum() > frames
    difference = together["sequence_output"][1, :frames] - alone["sequence_output"][0]
    assert np.abs(difference).max() > 1e-2


def test_logits_of_an_utterance_are_the_same_alone_and_in_a_batch() -> None:
    model = classifier(small(), preprocessor=None)
    together = outputs(model, batch())
    audio = batch()["waveform"][1:2, : LENGTHS[1]]
    alone = outputs(model, {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)})
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_shortest_audio_gives_one_frame() -> None:
    backbone = small()
    assert backbone.minimum_samples == 895
    audio = np.stack(waveforms(896))
    for samples, frames in ((895, 1), (894, 0)):
        inputs = {"waveform": audio, "padding_mask": np.arange(896)[None] < samples}
        assert outputs(backbone, inputs)["frame_mask"].sum() == frames


@pytest.mark.thorough
def test_config_builds_the_same_backbone_and_keeps_every_argument(tmp_path) -> None:
    arguments = {
        **SMALL,
        "rotary_base": 500.0,
        "attention_dropout": 0.3,
        "mask_feature_padding": False,
    }
    backbone = small(**arguments)
    for name, value in arguments.items():
        assert backbone.get_config()[name] == getattr(backbone, name) == value
    backbone.save_to_preset(str(tmp_path))
    again = SpeechBackbone.from_preset(tmp_path)
    assert again.get_config() == backbone.get_config()
    before, after = (outputs(model, batch())["sequence_output"] for model in (backbone, again))
    np.testing.assert_array_equal(after, before)
    trained = outputs(backbone, batch(), training=True)["sequence_output"]
    assert np.abs(trained - before)[:2].max() > 1e-4


def test_scores_depend_on_the_distance_between_frames_alone() -> None:
    """The law of rotary positions; the channels beyond `rotary_dim` are left as they are."""
    positions = RotaryPositions(6)
    cosine, sine = positions(np.zeros((1, 12, 1), np.float32))
    query, key = (np.tile(vector, (1, 12, 1, 1)) for vector in waveforms(8, 8, seed=1))
    turned = [rotate(keras.ops.convert_to_tensor(x), cosine, sine)[0, :, 0] for x in (query, key)]
    turned = [keras.ops.convert_to_numpy(x) for x in turned]
    scores = turned[0] @ turned[1].T
    for distance in range(-11, 12):
        diagonal = np.diagonal(scores, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=0, atol=1e-5)
    assert np.ptp(scores) > 0.1
    np.testing.assert_array_equal(turned[0][:, 6:], query[0, :, 0, 6:])


@pytest.mark.thorough
def test_order_of_frames_matters() -> None:
    layer = RotaryTransformerLayer(16, 32, 2, feedforward_expansion_factor=2)
    frames = np.stack(waveforms(160)).reshape(1, 10, 16)
    mask = np.ones((1, 10), bool)
    angles = RotaryPositions(6, base=100.0)(frames)
    layer(frames, *angles, mask)  # builds it
    for variable in layer.weights:
        variable.assign(variable * 10)
    forward = keras.ops.convert_to_numpy(layer(frames, *angles, mask))
    backward = keras.ops.convert_to_numpy(layer(frames[:, ::-1], *angles, mask))[:, ::-1]
    assert np.abs(forward - backward).max() > 1e-3


def test_layer_computes_in_half_precision_throughout() -> None:
    layer = RotaryTransformerLayer(16, 32, 2, feedforward_expansion_factor=2, dtype="mixed_bfloat16")
    again = RotaryTransformerLayer.from_config(layer.get_config())
    for inner in again._flatten_layers():
        if isinstance(inner, (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.LayerNormalization)):
            assert inner.compute_dtype == "bfloat16", inner.name


def test_bfloat16_is_close_to_float32_over_hundreds_of_frames() -> None:
    plain, mixed = small(), small(dtype="mixed_bfloat16")
    mixed.set_weights(plain.get_weights())
    audio = np.stack(waveforms(150_000))
    inputs = {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)}
    exact, rough = (outputs(model, inputs)["sequence_output"].astype("float32") for model in (plain, mixed))
    assert exact.shape[1] > 380
    assert 0 < np.linalg.norm(rough - exact) / np.linalg.norm(exact) < 2e-2


def test_frozen_feature_encoder_keeps_its_weights_out_of_training() -> None:
    backbone = small()
    before = len(backbone.trainable_variables)
    backbone.freeze_feature_encoder()
    assert len(backbone.trainable_variables) == before - 7  # three kernels, two biases, the normalisation


def test_layers_are_frozen_and_adapted_as_those_of_other_families() -> None:
    backbone = small()
    backbone.freeze_layers(1)
    assert [layer.trainable for layer in backbone.transformer_layers] == [False, True]
    adapted = small()
    adapted.enable_lora(2)
    assert len(adapted.trainable_variables) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"intermediate_dim": 24}, "hidden_dim=16, intermediate_dim=24"),
        ({"num_heads": 3}, "num_heads=3"),
        ({"rotary_dim": 5}, "rotary_dim=5"),
        ({"rotary_dim": 10}, "rotary_dim=10, channels=8"),
    ],
)
def test_sizes_that_do_not_fit_together_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**arguments)
