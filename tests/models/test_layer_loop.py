"""Layers in a loop over stacked weights are the layers one after the other."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models import SpeechBackbone
from kser.models.wav2vec2 import layer_loop
from kser.models.wav2vec2.layer_loop import runs_of_alike, train_through
from tests.models.small_families import FAMILIES
from tests.models.small_models import waveforms

pytestmark = pytest.mark.skipif(keras.config.backend() != "jax", reason="the loop is for JAX")
RANDOM = {"dropout": 0.2, "attention_dropout": 0.2, "activation_dropout": 0.2, "layer_drop": 0.3}


def built(family: str, **kwargs) -> SpeechBackbone:
    keras.utils.set_random_seed(0)
    return FAMILIES[family](num_layers=3, **kwargs)


def layers_of(backbone: SpeechBackbone) -> list[keras.layers.Layer]:
    return [backbone.get_layer(f"transformer_layer_{index}") for index in range(backbone.num_layers)]


def batch() -> dict[str, np.ndarray]:
    audio = np.stack(waveforms(400, 400))
    return {"waveform": audio, "padding_mask": np.arange(400) < np.array([[400], [233]])}


def step(backbone: SpeechBackbone):
    """Hidden states, gradients and the random state after one step in training."""
    import jax

    def loss(trainable, fixed):
        outputs, after = backbone.stateless_call(trainable, fixed, batch(), training=True)
        states = outputs["sequence_output"]
        return ops.sum(ops.square(states) * np.linspace(0, 1, states.shape[-1], dtype="float32")), (
            states,
            after,
        )

    values = (
        [v.value for v in backbone.trainable_variables],
        [v.value for v in backbone.non_trainable_variables],
    )
    gradients, (states, after) = jax.jit(jax.grad(loss, has_aux=True))(*values)
    return jax.tree.map(np.asarray, (states, gradients, after))


def compare(build, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step in the loop and one without, from the same weights and random state."""
    expected = step(build())
    monkeypatch.setattr(layer_loop, "MOST_UNROLLED", 1)
    found = step(build())
    for result, plain in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(result, plain, atol=2e-5 * max(1, np.abs(plain).max(initial=0)))


@pytest.mark.parametrize(("family", "feature_norm"), [("wav2vec2", "layer"), ("wavlm", "group")])
def test_step_in_a_loop_is_the_same_step(family, feature_norm, monkeypatch) -> None:
    norm = {"feature_norm": feature_norm, "norm_first": feature_norm == "layer"}
    compare(lambda: built(family, **norm, **RANDOM), monkeypatch)


def test_frozen_and_adapted_layers_are_the_same_in_a_loop(monkeypatch) -> None:
    def frozen() -> SpeechBackbone:
        backbone = built("wav2vec2", **RANDOM)
        backbone.freeze_layers(1)
        return backbone

    def adapted() -> SpeechBackbone:
        backbone = built("wav2vec2", **RANDOM)
        backbone.enable_lora(2)
        return backbone

    compare(frozen, monkeypatch)
    monkeypatch.undo()
    compare(adapted, monkeypatch)


def test_only_alike_neighbours_share_a_loop() -> None:
    backbone = built("wav2vec2")
    assert [len(run) for run in runs_of_alike(layers_of(backbone))] == [3]
    layers_of(backbone)[0].trainable = False
    assert [len(run) for run in runs_of_alike(layers_of(backbone))] == [1, 2]
    with_layer_drop = built("wavlm", layer_drop=0.5)  # never of the first
    assert [len(run) for run in runs_of_alike(layers_of(with_layer_drop))] == [1, 2]


def test_loop_gives_every_hidden_state() -> None:
    layers = layers_of(built("wav2vec2"))
    frames = np.random.default_rng(0).normal(size=(2, 7, 16)).astype("float32")
    mask = np.ones((2, 7), bool)
    looped, unrolled = (train_through(layers, frames, [mask], least=least) for least in (2, 4))
    for states, expected in zip(looped, unrolled, strict=True):
        np.testing.assert_allclose(states, expected, atol=1e-5)


def test_shallow_models_are_not_looped() -> None:
    assert not layer_loop.loop_pays(layers_of(built("wav2vec2")))
