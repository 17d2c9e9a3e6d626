"""Regressor, tagger, multi-task model: what they give, what a saved one keeps, how exact they compute."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.models import (
    EmotionClassifier,
    EmotionRegressor,
    EmotionTagger,
    EmotionTask,
    MultiTaskEmotionModel,
    SpeechAudioConverter,
    UtterancePreprocessor,
)
from kser.models.original_units import OriginalUnits
from kser.models.pooling import POOLINGS, build_pooling
from tests.models.small_models import LABELS, classifier, log_mel, wav2vec2, waveforms
from tests.models.small_poolings import POOLING_ARGUMENTS

UNITS: dict[str, Any] = {"targets": ["arousal", "valence"], "offsets": [4.0, -3.5], "scales": [1.5, 0.25]}
TASKS: dict[str, tuple[type[EmotionTask], dict[str, Any]]] = {
    "regressor": (EmotionRegressor, UNITS),
    "tagger": (EmotionTagger, {"labels": LABELS}),
    "multi_task": (MultiTaskEmotionModel, {"labels": LABELS, **UNITS}),
}


def task(kind: str, **kwargs) -> EmotionTask:
    cls, arguments = TASKS[kind]
    preprocessor = UtterancePreprocessor(SpeechAudioConverter())
    return cls(
        kwargs.pop("backbone", None) or log_mel(), **{"preprocessor": preprocessor, **arguments, **kwargs}
    )


def outputs_of(model: EmotionTask, utterances: list[np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(output) for output in keras.tree.flatten(model.predict_on_batch(utterances))]


def randomised(model: EmotionTask) -> EmotionTask:
    """No weight at a value that would hide a fault."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        draws = rng.normal(size=weight.shape)
        scales = weight.name in ("gamma", "scale", "moving_variance")
        weight.assign(0.5 + np.abs(draws) if scales else 0.3 * draws)
    return model


@pytest.fixture(scope="module", params=TASKS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(kind: str) -> EmotionTask:
    """No test changes it."""
    keras.utils.set_random_seed(0)
    return randomised(task(kind, use_relu=False, use_batch_norm=True, dropout=0.3, l2=0.1, projection_dim=5))


@pytest.fixture(scope="module")
def preset(model: EmotionTask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task") / "preset"
    model.save_to_preset(str(folder))
    return folder


def test_shapes_are_those_the_class_says(kind: str, model: EmotionTask) -> None:
    shapes = {
        "regressor": (None, 2),
        "tagger": (None, 3),
        "multi_task": {"logits": (None, 3), "values": (None, 2)},
    }
    assert keras.tree.map_structure(lambda output: output.shape, model.output) == shapes[kind]
    assert all(output.dtype == np.float32 for output in outputs_of(model, waveforms(400)))


def test_outputs_of_a_batch_are_those_of_each_alone(model: EmotionTask) -> None:
    utterances = [*waveforms(400, 250), np.ones(5, np.float32)]
    together = outputs_of(model, utterances)
    alone = outputs_of(model, utterances[1:2])
    for ours, theirs in zip(together, alone, strict=True):
        assert np.isfinite(ours).all()  # the last has no frame
        assert np.ptp(ours[:2], axis=0).min() > 1e-4  # utterances differ
        np.testing.assert_allclose(ours[1:2], theirs, atol=1e-5)


def test_preset_brings_the_task_back(model: EmotionTask, preset: Path) -> None:
    """Also where nobody says which task it is."""
    for cls in (type(model), EmotionTask):
        loaded = cls.from_preset(preset)
        assert type(loaded) is type(model)
        assert loaded.get_config() == model.get_config()
        utterances = waveforms(400, 250, seed=1)
        for ours, theirs in zip(outputs_of(loaded, utterances), outputs_of(model, utterances), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_task_of_another_kind_is_refused(kind: str, preset: Path) -> None:
    """It would be a head of random weights."""
    with pytest.raises(
        UserError,
        match=r"holds no EmotionClassifier but a trained \w+; a new head on its backbone requires `labels`",
    ):
        EmotionClassifier.from_preset(preset)
    other = MultiTaskEmotionModel if kind != "multi_task" else EmotionRegressor
    with pytest.raises(UserError, match=f"holds no {other.__name__} but a trained .*; a new head on its"):
        other.from_preset(preset)


def test_backbone_alone_is_no_task(tmp_path: Path) -> None:
    log_mel().save_to_preset(str(tmp_path))
    with pytest.raises(UserError, match=r"holds no EmotionTask$"):
        EmotionTask.from_preset(tmp_path)
    with pytest.raises(
        UserError, match="holds no EmotionRegressor; a new head on its backbone requires `targets`"
    ):
        EmotionRegressor.from_preset(tmp_path, offsets=[1.0])


def test_other_task_can_be_put_on_the_backbone_of_a_preset(model: EmotionTask, preset: Path) -> None:
    loaded = EmotionClassifier.from_preset(preset, labels=["calm", "bored"])
    assert loaded.output_shape == (None, 2)
    for ours, theirs in zip(loaded.backbone.get_weights(), model.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_units_of_other_targets_are_not_taken_over(tmp_path: Path) -> None:
    task("regressor").save_to_preset(str(tmp_path))
    new = EmotionRegressor.from_preset(tmp_path, targets=["dominance", "trust"])
    assert (new.targets, new.offsets, new.scales) == (["dominance", "trust"], [0.0, 0.0], [1.0, 1.0])
    same = EmotionRegressor.from_preset(tmp_path)
    assert (same.offsets, same.scales) == (UNITS["offsets"], UNITS["scales"])


@pytest.mark.parametrize("kind", ["regressor", "multi_task"])
def test_values_are_standardised_values_in_their_units(kind: str) -> None:
    keras.utils.set_random_seed(0)
    in_units, standardised = task(kind), task(kind, offsets=None, scales=None)
    standardised.set_weights(in_units.get_weights())
    ours, theirs = (outputs_of(model, waveforms(400, 250))[-1] for model in (in_units, standardised))
    assert (standardised.offsets, standardised.scales) == ([0.0, 0.0], [1.0, 1.0])
    np.testing.assert_allclose(ours, theirs * UNITS["scales"] + UNITS["offsets"], rtol=1e-5)


def test_multi_task_is_classifier_and_regressor_on_one_trunk() -> None:
    keras.utils.set_random_seed(0)
    both = randomised(task("multi_task"))
    for kind, output in (("tagger", "logits"), ("regressor", "values")):
        alone = task(kind, backbone=both.backbone)
        name = "logits" if kind == "tagger" else "standardized_values"
        alone.get_layer(name).set_weights(both.get_layer(name).get_weights())
        expected = np.asarray(both.predict_on_batch(waveforms(400, 250))[output])
        np.testing.assert_allclose(outputs_of(alone, waveforms(400, 250))[0], expected, atol=1e-5)


def test_original_units_survive_their_config() -> None:
    layer = OriginalUnits([1.0, 2.0], [0.5, 1e-3], name="any")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.get_config() == layer.get_config()
    result = keras.ops.convert_to_numpy(copy(np.array([[2.0, -1.0]], "float32")))
    np.testing.assert_allclose(result, [[2.0, 1.999]], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("regressor", {"targets": []}, "`targets` must be one or more different names"),
        ("regressor", {"targets": ["arousal", "arousal"]}, "`targets` must be one or more different names"),
        ("tagger", {"labels": ["joy", 3]}, "`labels` must be one or more different names"),
        ("regressor", {"scales": [1.0]}, r"`scales` must be one for each of the 2 targets arousal, valence"),
        ("multi_task", {"offsets": [1.0, 2.0, 3.0]}, "`offsets` must be one for each of the 2 targets"),
        ("regressor", {"scales": [1.0, 0.0]}, r"`scales` must be above 0.*\[1.0, 0.0\]"),
        ("multi_task", {"offsets": [1.0, float("nan")]}, "`offsets` must be finite numbers"),
        ("tagger", {"pooling": "median"}, "`pooling` must be one of"),
    ],
)
def test_wrong_arguments_are_refused_by_name(kind: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        task(kind, **arguments)


# === Precision ===


def test_everything_after_the_backbone_is_float32() -> None:
    backbone = wav2vec2(dtype="mixed_bfloat16")
    model = classifier(
        backbone, use_batch_norm=True, layer_weighting="softmax", pool_position="before", projection_dim=4
    )
    head = ["layer_weighting", "pooling", "relu", "batch_norm", "dropout", "projection", "logits"]
    assert {model.get_layer(name).compute_dtype for name in head} == {"float32"}
    assert model.get_layer("pooling").output.dtype == "float32"


IN_EVERY_RUN = ("mean", "sum", "att_stats")


@pytest.mark.parametrize(
    "pooling", [p if p in IN_EVERY_RUN else pytest.param(p, marks=pytest.mark.slow) for p in POOLINGS]
)
def test_pooling_of_a_thousand_half_precision_frames_is_that_in_float32(pooling: str) -> None:
    """Of the frames that the backbone gives in bfloat16, as they are, and not of sums in bfloat16."""
    keras.utils.set_random_seed(0)
    arguments = POOLING_ARGUMENTS.get(pooling)
    backbone = log_mel(dtype="mixed_bfloat16")
    model = classifier(backbone, pooling=pooling, pooling_arguments=arguments)
    layer = model.get_layer("pooling")
    inputs = model.preprocessor(waveforms(64 + 20 * 1000, 15000))
    frames = backbone.output["sequence_output"]
    assert frames.dtype == "bfloat16"
    observed = keras.Model(model.input, [*backbone.output.values(), layer.output])
    outputs = dict(zip([*backbone.output, "pooled"], observed.predict_on_batch(inputs), strict=True))
    assert outputs["frame_mask"].sum(axis=1).max() >= 1000

    plain = build_pooling(pooling, arguments, "float32")
    frames = np.asarray(outputs["sequence_output"]).astype("float32")
    plain.build(frames.shape, outputs["frame_mask"].shape)
    plain.set_weights(layer.get_weights())
    expected = keras.ops.convert_to_numpy(plain(frames, np.asarray(outputs["frame_mask"])))
    assert np.ptp(expected, axis=0).max() > 1e-3
    np.testing.assert_allclose(np.asarray(outputs["pooled"]), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["regressor", "multi_task"])
def test_half_precision_keeps_the_digits_of_values(kind: str) -> None:
    """Numbers around 1000 are multiples of 4 in bfloat16."""
    backbone = log_mel(dtype="mixed_bfloat16")
    model = randomised(
        task(kind, backbone=backbone, offsets=[1000.0, 0.0], scales=[1.0, 1.0], use_relu=False)
    )
    values = outputs_of(model, waveforms(400, 250, 330))[-1]
    assert values.dtype == np.float32
    assert 0.01 < np.ptp(values[:, 0]) < 1.0
