"""Layers in a loop over stacked weights are the layers one after the other."""

import keras
import numpy as np
import pytest

from kser.models import SpeechBackbone
from kser.models.wav2vec2 import layer_loop
from kser.models.wav2vec2.layer_loop import runs_of_alike, train_through
from tests.models.small_families import FAMILIES
from tests.models.small_models import classifier, waveforms

pytestmark = pytest.mark.skipif(keras.config.backend() != "jax", reason="the loop is for JAX")
RANDOM = {"dropout": 0.2, "attention_dropout": 0.2, "activation_dropout": 0.2, "layer_drop": 0.3}
LARGE = {"feature_norm": "layer", "norm_first": True}


def built(family: str, **kwargs) -> SpeechBackbone:
    keras.utils.set_random_seed(0)
    return FAMILIES[family](**{"num_layers": 3, **kwargs})


def layers_of(backbone: SpeechBackbone) -> list[keras.layers.Layer]:
    return [backbone.get_layer(f"transformer_layer_{index}") for index in range(backbone.num_layers)]


def batch() -> dict[str, np.ndarray]:
    audio = np.stack(waveforms(400, 400))
    return {"waveform": audio, "padding_mask": np.arange(400) < np.array([[400], [233]])}


def values(variables: list[keras.Variable]) -> list:
    return [variable.value for variable in variables]


def step_through(layers: list[keras.layers.Layer], context: list[np.ndarray], least: int):
    """Hidden states, gradients and the random state after one training step of the layers alone."""
    import jax

    frames = np.random.default_rng(0).normal(size=(2, 5, 16)).astype("float32")
    trainable = [v for layer in layers for v in layer.variables if v.trainable]
    others = [v for layer in layers for v in layer.variables if not v.trainable]

    def loss(trained, fixed):
        known = [*zip(trainable, trained, strict=True), *zip(others, fixed, strict=True)]
        with keras.StatelessScope(state_mapping=known) as scope:
            states = train_through(layers, frames, context, least)
        after = [scope.get_current_value(v) for v in others]
        weighted = (states[-1] ** 2 * np.linspace(0, 1, states[-1].shape[-1], dtype="float32")).sum()
        return weighted, (states, after)

    gradients, aside = jax.jit(jax.grad(loss, has_aux=True))(values(trainable), values(others))
    return jax.tree.map(np.asarray, (gradients, *aside))


def assert_same(found, expected, atol: float = 2e-5) -> None:
    for result, plain in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(
            np.float32(result),
            np.float32(plain),
            atol=atol * max(1, np.abs(np.float32(plain)).max(initial=0)),
        )


def assert_loop_changes_nothing(backbone: SpeechBackbone, atol: float = 2e-5) -> None:
    context = [np.arange(5) < np.array([[5], [3]])]
    if type(backbone).__name__ == "WavLMBackbone":
        context.append(np.random.default_rng(1).normal(size=(1, 2, 5, 5)).astype("float32"))
    looped, unrolled = (step_through(layers_of(backbone), context, least) for least in (2, 4))
    assert_same(looped, unrolled, atol)


def test_step_in_a_loop_is_the_same_step() -> None:
    assert_loop_changes_nothing(built("wav2vec2", **RANDOM, num_layers=2))


@pytest.mark.slow
def test_step_with_a_position_bias_is_the_same_in_a_loop() -> None:
    backbone = built("wavlm", **LARGE, **RANDOM)
    assert [len(run) for run in runs_of_alike(layers_of(backbone))] == [1, 2]  # no layer drop of the first
    assert_loop_changes_nothing(backbone)


@pytest.mark.slow
def test_frozen_adapted_and_half_precise_layers_are_the_same_in_a_loop() -> None:
    frozen = built("wav2vec2", **RANDOM)
    frozen.freeze_layers(1)
    assert_loop_changes_nothing(frozen)
    adapted = built("wav2vec2", **RANDOM, num_layers=2)
    adapted.enable_lora(2)
    assert_loop_changes_nothing(adapted)
    assert_loop_changes_nothing(built("wav2vec2", dtype="mixed_bfloat16", **RANDOM, num_layers=2), atol=2e-2)


def test_only_alike_neighbours_share_a_loop() -> None:
    layers = layers_of(built("wav2vec2"))
    assert [len(run) for run in runs_of_alike(layers)] == [3]
    layers[0].attention.query.bias.trainable = False
    assert [len(run) for run in runs_of_alike(layers)] == [1, 2]
    layers[1].attention.key.bias.trainable = False  # as many weights of the same shapes, but others
    assert [len(run) for run in runs_of_alike(layers)] == [1, 1, 1]


def test_classifier_trains_in_the_loop_and_predicts_without(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    lengths = []
    loop = layer_loop._loop
    monkeypatch.setattr(
        layer_loop, "_loop", lambda layers, *of: lengths.append(len(layers)) or loop(layers, *of)
    )
    monkeypatch.setattr(layer_loop, "MOST_UNROLLED", 2)
    model = classifier(built("wav2vec2"))
    weights = values(model.trainable_variables), values(model.non_trainable_variables)
    for training in (True, False):  # traced, which compiles nothing
        jax.eval_shape(
            lambda *of, training=training: model.stateless_call(*of, batch(), training=training), *weights
        )
    assert lengths == [3]


def fitted(most_unrolled: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[np.ndarray]]:
    monkeypatch.setattr(layer_loop, "MOST_UNROLLED", most_unrolled)
    model = classifier(built("wav2vec2", **LARGE, **RANDOM))
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with model.ready_made_inputs():
        history = model.fit(batch(), np.array([0, 1]), batch_size=1, epochs=2, shuffle=False, verbose=0)
    return history.history["loss"], [np.asarray(weight) for weight in model.weights]


@pytest.mark.slow
def test_fit_in_the_loop_is_the_same_training(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_same(fitted(1, monkeypatch), fitted(3, monkeypatch))


def test_shallow_models_are_not_looped() -> None:
    assert not layer_loop.loop_pays(layers_of(built("wav2vec2")))
