"""Frozen layers keep their weights to the bit, the others learn, and frozen ones cost no backward pass."""

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.models import SpeechBackbone
from tests.models.small_families import FAMILIES
from tests.models.small_models import classifier, log_mel, waveforms

TRAINING = (waveforms(400, 330, 280, 250), np.array([0, 1, 2, 1]))


def values(variables: list[keras.Variable]) -> dict[str, np.ndarray]:
    return {variable.path: keras.ops.convert_to_numpy(variable) for variable in variables}


def trainable_layers(backbone: SpeechBackbone) -> set[str]:
    """The backbone's layers that have weights which learn."""
    return {layer.name for layer in backbone.layers if layer.trainable_variables}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_layers_above_learn_and_nothing_else(name: str) -> None:
    backbone = FAMILIES[name]()
    above = {"transformer_layer_1"} | ({"encoder_norm"} if backbone.norm_first else set())
    backbone.freeze_layers(0)
    assert trainable_layers(backbone) > above | {"transformer_layer_0", "feature_projection"}
    backbone.freeze_layers(1)
    assert trainable_layers(backbone) == above
    backbone.freeze_layers(2)
    assert backbone.trainable_variables == []


def test_the_convolutions_are_the_layers_of_the_baseline() -> None:
    backbone = log_mel()
    backbone.freeze_layers(1)
    assert trainable_layers(backbone) == {"convolution_1", "norm_1"}


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["hubert_batch_norm", "wavlm"])
def test_training_changes_no_bit_of_what_is_frozen(name: str) -> None:
    keras.utils.set_random_seed(0)
    backbone = FAMILIES[name](dropout=0.1)
    backbone.freeze_layers(1)
    model = classifier(backbone, use_relu=False)
    frozen = [weight for weight in backbone.weights if not weight.trainable]  # statistics among them
    before, learning = values(frozen), values(model.trainable_variables)
    assert len(before) > 1
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(1e-2), loss=loss)
    for _ in range(3):
        model.train_on_batch(*TRAINING)
    for path, value in values(frozen).items():
        np.testing.assert_array_equal(value, before[path], err_msg=path)
    for path, value in values(model.trainable_variables).items():
        assert not np.array_equal(value, learning[path]), path


def test_the_whole_backbone_can_be_frozen_and_a_preset_does_not_say_so() -> None:
    backbone = FAMILIES["wavlm"]()
    backbone.freeze_layers("all")
    model = classifier(backbone)
    assert {variable.path.split("/")[0] for variable in model.trainable_variables} == {"logits"}
    assert backbone.get_config()["trainable"]


@pytest.mark.parametrize("count", [3, -1])
def test_layers_that_the_backbone_lacks_are_refused(count: int) -> None:
    with pytest.raises(
        UserError, match=rf'from 0 to 2, the layers of this Wav2Vec2Backbone, or "all", got {count}$'
    ):
        FAMILIES["wav2vec2"]().freeze_layers(count)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="the operations are counted by JAX")
def test_what_is_frozen_costs_no_backward_pass() -> None:
    import jax

    inputs = {"waveform": np.ones((2, 800), np.float32), "padding_mask": np.ones((2, 800), bool)}

    def operations(frozen: int | str) -> float:
        """Of a step's loss and gradients."""
        backbone = FAMILIES["wav2vec2"]()
        backbone.freeze_layers(frozen)
        model = classifier(backbone)

        def loss(trainable, fixed):
            logits, _ = model.stateless_call(trainable, fixed, inputs, training=True)
            return keras.ops.sum(logits)

        trainable, fixed = (
            [v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)
        )
        return jax.jit(jax.value_and_grad(loss)).lower(trainable, fixed).cost_analysis()["flops"]

    none, lower, whole = operations(0), operations(1), operations("all")
    assert whole < 0.75 * lower < 0.75 * none
