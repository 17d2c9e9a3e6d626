"""The two parts of a classifier are the classifier, with the same weights."""

import keras
import numpy as np
import pytest

from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.models import MoonshineEncoderBackbone, SpeechBackbone, WhisperEncoderBackbone
from kser.models.feature_split import (
    Features,
    FeatureSplit,
    split_above_backbone,
    split_above_layers,
    split_at_feature_encoder,
)
from tests.models.small_families import FAMILIES
from tests.models.small_models import BACKBONES, classifier, log_mel, waveforms
from tests.models.test_moonshine_encoder import small as moonshine


def padded(*lengths: int, samples: int | None = None) -> dict[str, np.ndarray]:
    sound, mask = model_inputs(waveforms(*lengths), do_normalize=True, mask_padding=True, samples=samples)
    return {"waveform": sound, "padding_mask": mask}


def features_of(split: FeatureSplit, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As they are kept: frames rounded, and zero where there is padding."""
    given = {name: keras.ops.convert_to_numpy(value) for name, value in split.lower(inputs).items()}
    features = np.where(given["frame_mask"][..., None], given["features"], 0.0)
    rounded = np.float16 if split.kind is not Features.VECTORS else np.float32
    return {"features": features.astype(rounded), "frame_mask": given["frame_mask"]}


def spread(model: keras.Model) -> keras.Model:
    """With weights that make outputs of the size of those of a trained model."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "kernel":
            weight.assign(rng.normal(size=weight.shape) / np.sqrt(np.prod(weight.shape[:-1])))
    return model


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["hubert_batch_norm", "wavlm", "data2vec_audio"])
def test_part_after_part_gives_what_the_whole_gives(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = spread(classifier(FAMILIES[name](), use_relu=False))
    inputs = padded(400, 700)
    with model.ready_made_inputs():
        whole = keras.ops.convert_to_numpy(model(inputs))
    split = split_at_feature_encoder(model)
    parts = keras.ops.convert_to_numpy(split.upper(features_of(split, inputs)))
    assert np.ptp(whole) > 0.2
    np.testing.assert_allclose(parts, whole, atol=1e-3)


def test_a_weighting_of_all_layers_comes_along() -> None:
    model = spread(classifier(FAMILIES["wav2vec2"](), layer_weighting="softmax", pool_position="before"))
    inputs = padded(400, 700)
    with model.ready_made_inputs():
        whole = keras.ops.convert_to_numpy(model(inputs))
    split = split_at_feature_encoder(model)
    parts = keras.ops.convert_to_numpy(split.upper(features_of(split, inputs)))
    np.testing.assert_allclose(parts, whole, atol=5e-3)


@pytest.mark.thorough
def test_features_of_valid_frames_do_not_depend_on_the_padding() -> None:
    lower = split_at_feature_encoder(classifier(FAMILIES["wav2vec2"]())).lower
    alone, further = lower(padded(400)), lower(padded(400, samples=900))
    frames = alone["features"].shape[1]
    assert (
        keras.ops.convert_to_numpy(further["frame_mask"]).sum()
        == frames
        == keras.ops.convert_to_numpy(alone["frame_mask"]).sum()
    )
    cut, whole = (keras.ops.convert_to_numpy(output["features"]) for output in (further, alone))
    np.testing.assert_allclose(cut[:, :frames], whole, atol=1e-5)


@pytest.mark.thorough
def test_training_the_upper_part_trains_the_classifier() -> None:
    keras.utils.set_random_seed(0)
    backbone = FAMILIES["wav2vec2"]()
    backbone.freeze_feature_encoder()
    model = classifier(backbone, use_relu=False, l2=0.1)
    inputs = padded(400, 700)
    split = split_at_feature_encoder(model)
    upper = split.upper
    assert {v.path for v in upper.trainable_variables} == {v.path for v in model.trainable_variables}
    assert len(upper.losses) == len(model.losses) == 1
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    upper.compile(optimizer=keras.optimizers.AdamW(1e-2), loss=loss)
    with model.ready_made_inputs():
        before = keras.ops.convert_to_numpy(model(inputs))
        upper.train_on_batch(features_of(split, inputs), np.array([0, 1]))
        after = keras.ops.convert_to_numpy(model(inputs))
    assert np.abs(after - before).max() > 1e-3
    parts = keras.ops.convert_to_numpy(upper(features_of(split, inputs)))
    np.testing.assert_allclose(parts, after, atol=5e-3)


def test_the_key_is_that_of_the_encoder_alone() -> None:
    def encoder_key(backbone: SpeechBackbone) -> str:
        return split_at_feature_encoder(classifier(backbone)).key()

    keras.utils.set_random_seed(0)
    backbone, other = FAMILIES["wav2vec2"](), FAMILIES["wav2vec2"]()
    key = encoder_key(backbone)
    assert encoder_key(other) != key
    for ours, theirs in zip(backbone.weights, other.weights, strict=True):
        theirs.assign(keras.ops.convert_to_numpy(ours))
    assert encoder_key(other) == key
    other.get_layer("feature_projection").bias.assign(np.ones(16))
    other.freeze_feature_encoder()
    assert encoder_key(other) == key
    other.feature_encoder.group_norm.offset.assign(np.ones(8))
    assert encoder_key(other) != key


@pytest.mark.thorough
def test_below_the_first_layer_nothing_of_a_backbone_may_be_left_above_its_features() -> None:
    model = classifier(moonshine(num_layers=1), hidden_state=0)
    assert model.read_states == [model.backbone.feature_encoder.output]
    inputs = padded(1600)
    split = split_at_feature_encoder(model)
    with model.ready_made_inputs():
        whole = keras.ops.convert_to_numpy(model(inputs))
    parts = keras.ops.convert_to_numpy(split.upper(features_of(split, inputs)))
    np.testing.assert_allclose(parts, whole, atol=1e-3)


def test_without_a_feature_encoder_there_is_nothing_to_keep() -> None:
    with pytest.raises(UserError, match="feature_cache: LogMelBackbone has no feature encoder"):
        split_at_feature_encoder(classifier(log_mel()))


SIZE = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
FROZEN_LAYERS = {
    "wav2vec2": FAMILIES["wav2vec2"],
    "a norm above": FAMILIES["unispeech"],
    "a position bias": FAMILIES["wavlm"],
    "whisper": lambda: WhisperEncoderBackbone(**SIZE, pad_to_maximum=False),
    "moonshine": lambda: MoonshineEncoderBackbone(**SIZE, rotary_dim=4),
}


@pytest.mark.parametrize("read", [None, 1])
@pytest.mark.parametrize("backbone_of", FROZEN_LAYERS.values(), ids=FROZEN_LAYERS)
@pytest.mark.thorough
def test_what_frozen_layers_give_is_kept(backbone_of, read: int | None) -> None:
    keras.utils.set_random_seed(0)
    backbone = backbone_of()
    backbone.freeze_layers(1)
    model = spread(classifier(backbone, hidden_state=read, use_relu=False))
    inputs = padded(4000, 7000)
    split = split_above_layers(model, 1)
    assert split.kind is Features.HIDDEN_STATES
    trained = set() if read else {weight.path for weight in model.backbone.trainable_variables}
    assert {weight.path for weight in split.upper.trainable_variables} >= trained
    with model.ready_made_inputs():
        whole = keras.ops.convert_to_numpy(model(inputs))
    parts = keras.ops.convert_to_numpy(split.upper(features_of(split, inputs)))
    assert np.ptp(whole) > 0.1
    np.testing.assert_allclose(parts, whole, atol=5e-3)


def test_the_feature_encoder_is_kept_where_lower_states_are_read() -> None:
    model = classifier(FAMILIES["wav2vec2"](), layer_weighting="softmax")
    assert split_above_layers(model, 1).kind is Features.ENCODER
    assert split_above_layers(classifier(FAMILIES["wav2vec2"]()), 0).kind is Features.ENCODER


SOFTMAX = {"layer_weighting": "softmax"}
ABOVE_BACKBONES = {
    "a pooled state": ("log_mel", {}, Features.VECTORS, (1, 8)),
    "batch norm": ("wav2vec2", {"use_batch_norm": True}, Features.VECTORS, (1, 16)),
    "all pooled states": (
        "wavlm",
        {**SOFTMAX, "pooling": "max", "pool_position": "before"},
        Features.VECTORS,
        (1, 48),
    ),
    "a linear pooling": ("wavlm", {**SOFTMAX, "pooling": "first_last"}, Features.VECTORS, (1, 96)),
    "frames": ("wav2vec2", {"pooling": "att_stats"}, Features.HIDDEN_STATES, (None, 16)),
    "frames of all states": ("wavlm", {**SOFTMAX, "pooling": "max"}, Features.HIDDEN_STATES, (None, 48)),
}


@pytest.mark.parametrize(("family", "head", "kind", "shape"), ABOVE_BACKBONES.values(), ids=ABOVE_BACKBONES)
def test_above_a_frozen_backbone_as_much_as_possible_is_kept(family, head, kind, shape) -> None:
    keras.utils.set_random_seed(0)
    backbone = BACKBONES[family]() if family == "log_mel" else FAMILIES[family]()
    backbone.freeze_layers("all")
    model = spread(classifier(backbone, use_relu=False, **head))
    inputs = padded(400, 700)
    with model.ready_made_inputs():
        whole = keras.ops.convert_to_numpy(model(inputs))
    split = split_above_backbone(model)
    assert split.kind is kind
    assert split.lower.output["features"].shape[1:] == shape
    assert np.ptp(whole) > 0.2
    tolerance = 1e-5 if kind is Features.VECTORS else 5e-3
    parts = keras.ops.convert_to_numpy(split.upper(features_of(split, inputs)))
    np.testing.assert_allclose(parts, whole, atol=tolerance)
    assert split.upper.trainable_variables == model.trainable_variables


@pytest.mark.parametrize(
    "build", [FAMILIES["wavlm"], lambda: log_mel(num_mel_bins=5)], ids=["wavlm", "log_mel"]
)
def test_models_of_all_hidden_states_take_their_part_of_the_same_features(build) -> None:
    keras.utils.set_random_seed(0)
    backbone = spread(build())
    backbone.freeze_layers("all")
    inputs = padded(400, 700)
    keys = set()
    for state in range(len(backbone.hidden_states)):
        model = classifier(backbone, use_relu=False, pooling="max", hidden_state=state)
        with model.ready_made_inputs():
            whole = keras.ops.convert_to_numpy(model(inputs))
        split = split_above_backbone(model)
        assert np.ptp(whole) > 1e-2
        given = features_of(split, inputs)
        taken = {**given, "features": given["features"][..., split.taken]}
        np.testing.assert_allclose(keras.ops.convert_to_numpy(split.upper(taken)), whole, atol=1e-5)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(split.joined()(inputs)), whole, atol=1e-5)
        if state == 0:
            shared = given
        np.testing.assert_array_equal(given["features"], shared["features"])
        keys.add(split.key())
    assert len(keys) == 1
    frames = [classifier(backbone, pooling="att_stats", hidden_state=state) for state in (1, 2)]
    assert len({split_above_backbone(model).key() for model in frames}) == 2


def test_what_is_read_of_a_backbone_is_part_of_the_key() -> None:
    backbone = FAMILIES["wav2vec2"]()
    heads = ({}, {"dropout": 0.5}, {"pooling": "max"}, SOFTMAX, {"pooling": "att_stats"})
    keys = [split_above_backbone(classifier(backbone, **head)).key() for head in heads]
    assert keys[0] == keys[1], "the head is above what is kept"
    assert len(set(keys)) == len(keys) - 1


@pytest.mark.thorough
def test_joined_parts_are_random_above_the_frozen_part_only() -> None:
    keras.utils.set_random_seed(0)
    backbone = FAMILIES["wav2vec2"](dropout=0.5)
    backbone.freeze_layers("all")
    inputs = padded(400, 700)

    def in_training(**head) -> tuple[np.ndarray, np.ndarray]:
        model = spread(classifier(backbone, use_relu=False, **head))
        joined = split_above_backbone(model).joined()
        with model.ready_made_inputs():
            inference = keras.ops.convert_to_numpy(model(inputs))
        return keras.ops.convert_to_numpy(joined(inputs, training=True)), inference

    np.testing.assert_allclose(*in_training(), atol=1e-5)
    with_dropout, inference = in_training(dropout=0.5)
    assert np.abs(with_dropout - inference).max() > 0.1
