"""A run with LoRA continues from its saved state exactly, generators and optimizer included."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kser.training.optimisation import adamw
from kser.training.training_state import (
    assign_model,
    assign_optimizer,
    load_latest_state,
    model_arrays,
    save_state,
)
from tests.models.small_families import FAMILIES
from tests.models.small_models import classifier, waveforms

TRAINING = (waveforms(400, 330, 280, 250), np.array([0, 1, 2, 1]))


def fresh() -> keras.Model:
    """A compiled classifier with LoRA and dropout, its weights following from the seed."""
    keras.utils.set_random_seed(0)
    backbone = FAMILIES["wavlm"](dropout=0.1)
    backbone.enable_lora(2, alpha=4.0)
    model = classifier(backbone, use_relu=False, dropout=0.1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=adamw(1e-2, 1, 1.0), loss=loss)
    model.optimizer.build(model.trainable_variables)
    return model


def step(model: keras.Model, number: int) -> None:
    if keras.config.backend() == "torch":  # which draws dropout from a generator that is not the model's
        keras.utils.set_random_seed(number)
    model.train_on_batch(*TRAINING)


@pytest.mark.thorough
def test_continued_equals_uninterrupted(tmp_path: Path) -> None:
    model = fresh()
    step(model, 0)
    save_state(tmp_path, 1, model, {"identity": "this run"}, keep=1)
    step(model, 1)
    continued = fresh()
    saved = load_latest_state(tmp_path, "this run")
    assert saved is not None
    assign_model(continued, saved.arrays)
    assign_optimizer(continued, saved.arrays)
    step(continued, 1)
    expected, actual = model_arrays(model), model_arrays(continued)
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)
    matrices = [weight for weight in model.weights if "lora_kernel_b" in weight.path]
    assert all(keras.ops.convert_to_numpy(weight).any() for weight in matrices)
