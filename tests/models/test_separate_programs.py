"""Layers computed as programs of their own are the layers as they are."""

import re

import keras
import numpy as np
import pytest

from kser.models import (
    MoonshineEncoderBackbone,
    SpeechBackbone,
    WhisperEncoderBackbone,
    separate_program,
)
from kser.models.feature_split import split_at_feature_encoder
from tests.models.small_families import FAMILIES
from tests.models.small_models import classifier, waveforms

pytestmark = pytest.mark.skipif(keras.config.backend() != "jax", reason="the programs are JAX's")
RANDOM = {"dropout": 0.2, "attention_dropout": 0.2, "activation_dropout": 0.2, "layer_drop": 0.3}
LARGE = {"feature_norm": "layer", "norm_first": True}
NUM_LAYERS = 3


def built(family: str, **kwargs) -> SpeechBackbone:
    keras.utils.set_random_seed(0)
    return FAMILIES[family](**{"num_layers": NUM_LAYERS, **kwargs})


def batch(samples: int = 400) -> dict[str, np.ndarray]:
    audio = np.stack(waveforms(samples, samples))
    return {"waveform": audio, "padding_mask": np.arange(samples) < np.array([[samples], [samples * 3 // 5]])}


def values(variables: list[keras.Variable]) -> list:
    return [variable.value for variable in variables]


def loss_of(model: keras.Model, data: dict[str, np.ndarray], training: bool = True):
    """A function of trained and other weights: a number, with the outputs and the other weights after it."""

    def loss(trained, others):
        outputs, after = model.stateless_call(trained, others, data, training=training)
        outputs = outputs["sequence_output"] if isinstance(outputs, dict) else outputs
        weighted = outputs**2 * np.linspace(0, 1, outputs.shape[-1], dtype="float32")
        return weighted.sum(), (outputs, after)

    return loss


def step(model: keras.Model, data: dict[str, np.ndarray]):
    """Gradients, outputs and random states of one training step."""
    import jax

    weights = values(model.trainable_variables), values(model.non_trainable_variables)
    gradients, aside = jax.jit(jax.grad(loss_of(model, data), has_aux=True))(*weights)
    return jax.tree.map(np.asarray, (gradients, *aside))


def programs(model: keras.Model, data: dict[str, np.ndarray], training: bool = True) -> int:
    """How many programs within the program of a model may not be inlined. Nothing is compiled."""
    import jax

    weights = values(model.trainable_variables), values(model.non_trainable_variables)
    lowered = jax.jit(loss_of(model, data, training)).lower(*weights)
    return len(re.findall(r'call @program.*inlineable = "false"', lowered.as_text()))


def assert_same(found, expected, atol: float) -> None:
    arrays = (map(np.float32, keras.tree.flatten(structure)) for structure in (found, expected))
    for result, plain in zip(*arrays, strict=True):
        np.testing.assert_allclose(result, plain, atol=atol * max(1, np.abs(plain).max(initial=0)))


def assert_changes_nothing(model: keras.Model, monkeypatch: pytest.MonkeyPatch, data=None, atol=2e-5) -> None:
    data = data or batch()
    apart = step(model, data)
    assert programs(model, data) == NUM_LAYERS
    with monkeypatch.context() as patch:
        patch.setattr(separate_program, "computes_apart", lambda: False)
        assert programs(model, data) == 0
        assert_same(apart, step(model, data), atol)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "large",
    [pytest.param(LARGE, id="norm first"), pytest.param({}, id="norm last", marks=pytest.mark.slow)],
)
def test_a_step_is_the_same(monkeypatch: pytest.MonkeyPatch, large) -> None:
    assert_changes_nothing(built("wav2vec2", **large, **RANDOM), monkeypatch)


@pytest.mark.slow
def test_a_step_with_a_position_bias_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_changes_nothing(built("wavlm", **LARGE, **RANDOM), monkeypatch)


ENCODERS = {
    WhisperEncoderBackbone: {"max_frames": 20, **RANDOM},
    MoonshineEncoderBackbone: {"rotary_dim": 4, "attention_dropout": 0.2},
}


@pytest.mark.slow
@pytest.mark.parametrize("family", ENCODERS)
def test_a_step_of_an_encoder_is_the_same(monkeypatch: pytest.MonkeyPatch, family) -> None:
    size = {"num_layers": NUM_LAYERS, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
    keras.utils.set_random_seed(0)
    assert_changes_nothing(family(**size, **ENCODERS[family]), monkeypatch, batch(4000))


@pytest.mark.slow
def test_frozen_adapted_and_half_precise_layers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = built("wav2vec2", **RANDOM)
    frozen.freeze_layers(1)
    assert_changes_nothing(frozen, monkeypatch)
    adapted = built("wav2vec2", **RANDOM)
    adapted.enable_lora(2)
    assert_changes_nothing(adapted, monkeypatch)
    assert_changes_nothing(built("wav2vec2", dtype="mixed_bfloat16", **RANDOM), monkeypatch, atol=2e-2)


@pytest.mark.parametrize("weighting", [{}, {"layer_weighting": "free"}], ids=["last", "weighted"])
@pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
def test_classifiers_train_so_and_predict_as_they_are(family: str, weighting) -> None:
    backbone = built(family)
    model = classifier(backbone, **weighting)
    split = split_at_feature_encoder(model)
    features = split.lower.predict_on_batch(batch())
    for trained, data in ((model, batch()), (split.upper, features)):
        assert programs(trained, data) == NUM_LAYERS
        assert programs(trained, data, training=False) == 0


def test_devices_that_share_a_batch_have_such_programs() -> None:
    with keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:1]).scope():
        model = classifier(built("wav2vec2"))
        assert programs(model, batch()) == NUM_LAYERS


def fitted(**kwargs) -> tuple[list[float], list[np.ndarray]]:
    model = classifier(built("wav2vec2", **LARGE, **RANDOM))
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True), **kwargs
    )
    with model.ready_made_inputs():
        history = model.fit(batch(), np.array([0, 1]), batch_size=1, epochs=2, shuffle=False, verbose=0)
    return history.history["loss"], [np.asarray(weight) for weight in model.weights]


@pytest.mark.slow
def test_fit_is_the_same_training(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = fitted()
    eager = fitted(run_eagerly=True)
    monkeypatch.setattr(separate_program, "computes_apart", lambda: False)
    plain = fitted()
    assert_same(apart, plain, 2e-5)
    assert_same(eager, plain, 2e-5)
