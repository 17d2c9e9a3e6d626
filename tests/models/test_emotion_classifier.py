"""The classifier on each backbone: its laws, and what a saved one keeps."""

import json
from dataclasses import dataclass
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest

from kser.models import EmotionClassifier, SpeechAudioConverter, SpeechBackbone
from kser.models.pooling import POOLINGS
from tests.models.small_models import (
    BACKBONES,
    EVERY_BACKBONE,
    LABELS,
    classifier,
    log_mel,
    wav2vec2,
    waveforms,
)
from tests.models.small_poolings import POOLING_ARGUMENTS

# One of the four has no frame; a batch has it all the same.
TRAINING = (waveforms(400, 330, 280, 5), np.array([0, 1, 2, 1]))


def logits(model: keras.Model, utterances: list[np.ndarray]) -> np.ndarray:
    return np.asarray(model.predict_on_batch(utterances))


def trained(model: EmotionClassifier) -> EmotionClassifier:
    """After one step."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(1e-2), loss=loss)
    model.train_on_batch(*TRAINING)
    return model


def assert_equal_weights(actual: keras.Model, expected: keras.Model) -> None:
    for ours, theirs in zip(actual.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(params=EVERY_BACKBONE)
def build_backbone(request: pytest.FixtureRequest):
    return BACKBONES[request.param]


@dataclass
class Saved:
    """A classifier after one step of training, and its preset."""

    model: EmotionClassifier
    preset: Path


@pytest.fixture(scope="module", params=EVERY_BACKBONE)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    model = trained(classifier(BACKBONES[request.param](), use_batch_norm=True, dropout=0.3, l2=0.1))
    preset = tmp_path_factory.mktemp("saved") / "preset"
    model.save_to_preset(str(preset))
    return Saved(model, preset)


@pytest.mark.thorough
def test_logits_of_a_batch_are_those_of_each_alone(build_backbone) -> None:
    keras.utils.set_random_seed(0)
    model = classifier(build_backbone(), use_batch_norm=True)
    rng = np.random.default_rng(0)
    for weight in model.weights:  # biases and shifts of norms that are zero would hide faults
        weight.assign(weight + rng.uniform(0, 0.2, weight.shape))
    utterances = waveforms(400, 250)
    together = logits(model, [*utterances, np.ones(5, np.float32)])
    alone = np.concatenate([logits(model, [utterance]) for utterance in utterances])
    assert np.ptp(together[:2], axis=0).min() > 1e-3  # utterances differ
    np.testing.assert_allclose(together[:2], alone, atol=1e-5)
    assert np.isfinite(together).all()  # the last has no frame


@pytest.mark.thorough
def test_training_with_an_utterance_without_a_frame_stays_finite(saved: Saved) -> None:
    assert all(np.isfinite(weights).all() for weights in saved.model.get_weights())


@pytest.mark.thorough
def test_preset_brings_the_model_back(saved: Saved) -> None:
    loaded = EmotionClassifier.from_preset(saved.preset)
    assert loaded.labels == LABELS
    assert loaded.get_config() == saved.model.get_config()
    assert loaded.preprocessor.get_config() == saved.model.preprocessor.get_config()
    assert_equal_weights(loaded, saved.model)
    utterances = waveforms(400, 250, seed=1)
    np.testing.assert_allclose(logits(loaded, utterances), logits(saved.model, utterances), atol=1e-6)


@pytest.mark.thorough
def test_stock_keras_hub_loads_the_backbone(saved: Saved) -> None:
    loaded = keras_hub.models.Backbone.from_preset(str(saved.preset))
    assert type(loaded) is type(saved.model.backbone)
    assert_equal_weights(loaded, saved.model.backbone)


@pytest.mark.parametrize("labels", [["calm", "bored"], LABELS], ids=["other", "same"])
def test_labels_that_are_given_get_a_new_head_on_the_same_backbone(saved: Saved, labels: list[str]) -> None:
    loaded = EmotionClassifier.from_preset(saved.preset, labels=labels)
    assert loaded.labels == labels
    assert loaded.output_shape == (None, len(labels))
    assert_equal_weights(loaded.backbone, saved.model.backbone)
    old, new = (keras.ops.convert_to_numpy(m.get_layer("logits").kernel) for m in (saved.model, loaded))
    assert old.shape != new.shape or not np.allclose(old, new)
    assert new.std() > 0  # what a checkpoint brings is not drawn, what it does not is


def test_preset_without_its_weights_is_a_random_model(saved: Saved) -> None:
    loaded = EmotionClassifier.from_preset(saved.preset, load_weights=False)
    pairs = zip(loaded.trainable_weights, saved.model.trainable_weights, strict=True)
    kernels = [(ours, theirs) for ours, theirs in pairs if ours.name == "kernel"]
    assert len(kernels) >= 3  # of the backbone as well as of the head
    for ours, theirs in kernels:
        assert not np.allclose(keras.ops.convert_to_numpy(ours), keras.ops.convert_to_numpy(theirs))


def test_optimizer_state_is_not_in_the_preset(saved: Saved, tmp_path: Path) -> None:
    fresh = EmotionClassifier.from_config(saved.model.get_config())
    fresh.save_to_preset(str(tmp_path))
    sizes = [
        {path.name: path.stat().st_size for path in folder.glob("*.h5")}
        for folder in (tmp_path, saved.preset)
    ]
    assert sizes[0].keys() == {"model.weights.h5", "task.weights.h5"}
    assert sizes[0] == sizes[1]


def test_converter_and_labels_of_a_preset_are_those_that_were_saved(tmp_path: Path) -> None:
    model = classifier(log_mel())
    model.preprocessor.audio_converter.do_normalize = False
    model.save_to_preset(str(tmp_path))
    assert SpeechAudioConverter.from_preset(tmp_path).do_normalize is False
    assert SpeechBackbone.from_preset(tmp_path).get_config() == model.backbone.get_config()
    assert json.loads((tmp_path / "task.json").read_text())["config"]["labels"] == LABELS


@pytest.mark.thorough
def test_keras_file_brings_model_and_training_back(tmp_path: Path) -> None:
    model = trained(classifier(wav2vec2()))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_equal_weights(loaded, model)
    # the optimizer too goes on where it was
    losses = [[float(m.train_on_batch(*TRAINING)) for _ in range(2)] for m in (model, loaded)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert losses[0][0] != losses[0][1]


@pytest.mark.thorough
def test_frozen_feature_encoder_stays_and_the_rest_moves() -> None:
    model = classifier(wav2vec2())
    model.backbone.freeze_feature_encoder()
    before = {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in model.weights}
    trained(model)
    moved = {
        weight.path
        for weight in model.weights
        if not np.array_equal(before[weight.path], keras.ops.convert_to_numpy(weight.value))
    }
    frozen = {weight.path for weight in model.backbone.feature_encoder.weights}
    assert frozen
    # a softmax does not see the bias of the keys: its gradient is rounding error
    assert {path for path in before if "key/bias" not in path} - moved == frozen


def test_freezing_without_a_feature_encoder_changes_nothing() -> None:
    backbone = log_mel()
    trainable = len(backbone.trainable_weights)
    backbone.freeze_feature_encoder()
    assert len(backbone.trainable_weights) == trainable


@pytest.mark.thorough
def test_half_precision_gives_finite_float32_logits(build_backbone) -> None:
    keras.utils.set_random_seed(0)
    half = classifier(build_backbone(dtype="mixed_bfloat16"), use_batch_norm=True)
    full = classifier(build_backbone(dtype="float32"), use_batch_norm=True)
    full.set_weights(half.get_weights())
    result = logits(half, waveforms(400, 250))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, logits(full, waveforms(400, 250)), atol=0.05)


def test_minimum_samples_are_those_of_the_first_frame(build_backbone) -> None:
    backbone = build_backbone()
    samples = np.array([[backbone.minimum_samples], [backbone.minimum_samples - 1]])
    mask = np.arange(200) < samples
    outputs = backbone.predict_on_batch({"waveform": mask.astype("float32"), "padding_mask": mask})
    assert np.asarray(outputs["frame_mask"]).sum(axis=1).tolist() == [1, 0]


def test_l2_is_the_squared_norm_of_the_dense_kernel() -> None:
    model = classifier(log_mel(), l2=0.25)
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel)
    (loss,) = (keras.ops.convert_to_numpy(loss).item() for loss in model.losses)
    assert loss == pytest.approx(0.25 * np.square(kernel).sum(), rel=1e-5)
    assert not classifier(log_mel()).losses


@pytest.mark.thorough
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_pooling_trains_and_comes_back(pooling: str, tmp_path: Path) -> None:
    """And gives an utterance in a batch, one of them without a frame, what it gives it alone."""
    keras.utils.set_random_seed(0)
    arguments = {"pooling_arguments": POOLING_ARGUMENTS.get(pooling), "dropout": 0.3}
    model = trained(classifier(log_mel(), pooling=pooling, use_batch_norm=True, **arguments))
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    model.save_to_preset(str(tmp_path))
    loaded = EmotionClassifier.from_preset(tmp_path)
    assert loaded.get_config() == model.get_config()
    assert_equal_weights(loaded, model)
    utterances = [*waveforms(400, 130), np.ones(5, np.float32)]
    together = logits(loaded, utterances)
    assert np.isfinite(together).all()
    assert np.ptp(together[:2], axis=0).max() > 1e-3  # utterances differ
    np.testing.assert_allclose(together[1:2], logits(loaded, utterances[1:2]), atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize(("layer_weighting", "pool_position"), [("softmax", "after"), ("free", "before")])
def test_layers_are_weighted_before_or_after_pooling(
    layer_weighting: str, pool_position: str, tmp_path: Path
) -> None:
    """The mean of a weighted sum is the weighted sum of the means."""
    keras.utils.set_random_seed(0)
    arguments = {"layer_weighting": layer_weighting, "pool_position": pool_position, "use_relu": False}
    model = trained(classifier(log_mel(dropout=0.1), **arguments))
    factors = keras.ops.convert_to_numpy(model.get_layer("layer_weighting").weights_of_layers())
    assert factors.shape == (3,)
    assert (factors.sum() == pytest.approx(1.0)) == (layer_weighting == "softmax")
    assert np.ptp(factors) > 1e-3  # trained
    model.save_to_preset(str(tmp_path))
    loaded = EmotionClassifier.from_preset(tmp_path)
    assert loaded.get_config() == model.get_config()

    backbone, utterances = loaded.backbone, waveforms(400, 250)
    inputs = loaded.preprocessor(utterances)
    outputs = [*backbone.hidden_states, backbone.output["frame_mask"]]
    *states, frame_mask = keras.Model(backbone.input, outputs).predict_on_batch(inputs)
    frame_mask = np.asarray(frame_mask)[..., None]
    means = [(np.asarray(x) * frame_mask).sum(axis=1) / frame_mask.sum(axis=1) for x in states]
    kernel, bias = (keras.ops.convert_to_numpy(w.value) for w in loaded.get_layer("logits").weights)
    expected = np.tensordot(factors, means, axes=1) @ kernel + bias
    np.testing.assert_allclose(logits(loaded, utterances), expected, atol=1e-5)


def test_weighted_layers_are_the_backbones_own() -> None:
    """One set of weights, frozen and trained together."""
    backbone = wav2vec2()
    plain = len(classifier(wav2vec2()).weights)
    model = classifier(backbone, layer_weighting="softmax")
    assert len(model.weights) == plain + 1
    backbone.trainable = False
    assert len(model.trainable_weights) == 3  # of layers, and kernel and bias of the head


def test_layers_of_several_sizes_cannot_be_weighted() -> None:
    with pytest.raises(ValueError, match="one size can be weighted; those of this backbone have 8, 4, 8"):
        classifier(log_mel(filters=[4, 8]), layer_weighting="softmax")


@pytest.mark.thorough
@pytest.mark.parametrize("state", [0, 1])
def test_one_hidden_state_is_pooled_and_what_is_above_it_stays(state: int, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = classifier(log_mel(filters=[4, 8]), hidden_state=state, use_relu=False)
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    trained(model)
    changed = [
        path
        for path, value in ((weight.path, keras.ops.convert_to_numpy(weight)) for weight in model.weights)
        if not np.array_equal(value, before[path])
    ]
    learned = {"band_norm", "logits"} | ({"convolution_0", "norm_0"} if state else set())
    assert {path.split("/")[-2] for path in changed} == learned
    assert len(model.layer_groups()) == state + 1
    model.save_to_preset(str(tmp_path))
    loaded = EmotionClassifier.from_preset(tmp_path)
    assert loaded.get_config() == model.get_config()
    backbone, utterances = loaded.backbone, waveforms(400, 250)
    outputs = [backbone.hidden_states[state], backbone.output["frame_mask"]]
    states, frame_mask = keras.Model(backbone.input, outputs).predict_on_batch(
        loaded.preprocessor(utterances)
    )
    frame_mask = np.asarray(frame_mask)[..., None]
    means = (np.asarray(states) * frame_mask).sum(axis=1) / frame_mask.sum(axis=1)
    kernel, bias = (keras.ops.convert_to_numpy(w.value) for w in loaded.get_layer("logits").weights)
    np.testing.assert_allclose(logits(loaded, utterances), means @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize("name", EVERY_BACKBONE)
def test_the_last_hidden_state_is_the_output(name: str) -> None:
    backbone = BACKBONES[name]()
    assert backbone.hidden_states[-1] is backbone.output["sequence_output"]
    keras.utils.set_random_seed(0)
    last = classifier(backbone, hidden_state=len(backbone.hidden_states) - 1)
    keras.utils.set_random_seed(0)
    utterances = waveforms(400, 250)
    np.testing.assert_array_equal(logits(last, utterances), logits(classifier(backbone), utterances))


@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_projection_makes_the_head_deeper(activation: str) -> None:
    keras.utils.set_random_seed(0)
    arguments = {"use_relu": False, "projection_dim": 5, "projection_activation": activation, "l2": 0.5}
    model = classifier(log_mel(), dropout=0.5, **arguments)
    names = ["dropout", "projection", "projection_activation", "projection_dropout", "logits"]
    assert [layer.name for layer in model.layers][-5:] == names
    assert EmotionClassifier.from_config(model.get_config()).get_config() == model.get_config()
    pooled = keras.Model(model.input, model.get_layer("pooling").output)
    inputs = model.preprocessor(waveforms(400, 250))
    (first, first_bias), (last, last_bias) = (
        [keras.ops.convert_to_numpy(weight.value) for weight in model.get_layer(name).weights]
        for name in ("projection", "logits")
    )
    functions = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0.0), "linear": lambda x: x}
    projected = functions[activation](np.asarray(pooled.predict_on_batch(inputs)) @ first + first_bias)
    expected = projected @ last + last_bias
    np.testing.assert_allclose(logits(model, waveforms(400, 250)), expected, atol=1e-5)
    penalty = float(sum(keras.ops.convert_to_numpy(loss) for loss in model.losses))
    assert penalty == pytest.approx(0.5 * (np.square(first).sum() + np.square(last).sum()), rel=1e-5)


def test_configs_from_before_there_were_other_poolings_still_load() -> None:
    model = classifier(log_mel(), use_batch_norm=True)
    config = json.loads(json.dumps(model.get_config()))
    new = {"pooling_arguments", "layer_weighting", "pool_position", "projection_dim", "projection_activation"}
    new |= {"hidden_state"}
    old = {name: value for name, value in model.get_config().items() if name not in new}
    assert len(old) == len(config) - len(new)
    loaded = EmotionClassifier.from_config(old)
    assert loaded.get_config() == config
    # names of layers are the paths in a file of weights
    assert [layer.name for layer in loaded.layers if "mask" not in layer.name][-5:] == [
        "pooling",
        "relu",
        "batch_norm",
        "dropout",
        "logits",
    ]


def test_head_is_relu_norm_dropout_dense() -> None:
    model = classifier(log_mel(), use_batch_norm=True, dropout=0.5)
    head = ["pooling", "relu", "batch_norm", "dropout", "logits"]
    assert [layer.name for layer in model.layers if layer.name in head] == head
    plain = [layer.name for layer in classifier(log_mel(), use_relu=False).layers]
    assert [name for name in plain if name in head] == ["pooling", "dropout", "logits"]


def test_predict_on_arrays_gives_what_the_class_says() -> None:
    model = classifier(wav2vec2(), labels=["anger", "joy"])
    assert model.predict(np.zeros((1, 400), "float32"), verbose=0).shape == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "median"}, r"must be one of \['mean'.*pooling='median'"),
        (
            {"pooling_arguments": {"units": 3}},
            "`pooling_arguments`: the pooling 'mean' has no argument 'units'",
        ),
        ({"layer_weighting": "sparse"}, r"must be one of \['softmax', 'free'\].*'sparse'"),
        ({"pool_position": "during"}, r"must be one of \['after', 'before'\].*'during'"),
        ({"pool_position": "before"}, "'before' requires a `layer_weighting`"),
        ({"hidden_state": 3}, "must be from 0 to 2, the layers of this LogMelBackbone. .*hidden_state=3"),
        ({"hidden_state": 1, "layer_weighting": "free"}, "`hidden_state` is for models without `layer_w"),
        ({"projection_activation": "gelu"}, r"must be one of \['tanh', 'relu', 'linear'\].*'gelu'"),
        ({"projection_dim": 0}, "must be None or a whole number of at least 1. Received: projection_dim=0"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier(log_mel(), **arguments)
