"""AdamW as the paper has it, over windows of batches, with a rate for each weight, on every backend."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kser.training.optimisation import adamw
from kser.training.schedules import WarmupSchedule
from tests.training.adamw_by_hand import differences

OTHERS = [
    name
    for name, module in (("tensorflow", "tensorflow"), ("torch", "torch"))
    if name != keras.config.backend() and importlib.util.find_spec(module)
]


@pytest.mark.thorough
def test_equals_adamw_by_hand():
    assert differences() < 2e-5


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_equals_adamw_by_hand_on(backend):
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.adamw_by_hand"],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2e-5


def test_accumulated_batches_make_the_update_of_one_large_batch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 5)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")
    kernels = []
    for steps in (1, 4):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, kernel_initializer="ones")])
        schedule = WarmupSchedule("linear", 0.1, 3, batches_per_update=steps)
        model.compile(adamw(schedule, steps, max_grad_norm=1.0), loss="mse")
        model.fit(x, y, batch_size=16 // steps, epochs=3, shuffle=False, verbose=0)
        kernels.append(keras.ops.convert_to_numpy(model.weights[0]))
    assert not np.allclose(kernels[0], 1.0)
    np.testing.assert_allclose(kernels[0], kernels[1], atol=1e-5)


def test_a_late_weight_moves_as_far_as_an_early_one():
    """Keras' own count would make its first step 3 and a later one 6 times as long."""
    late, early = keras.Variable([1.0]), keras.Variable([1.0])
    optimizer = adamw(0.1, 1, 1e9, first_updates=[500, 0])
    optimizer.build([late, early])
    optimizer.batches.assign(500)
    gradient = keras.ops.ones((1,))
    for _ in range(10):
        optimizer.apply([gradient, gradient])
    assert 1.0 - float(keras.ops.convert_to_numpy(late)[0]) == pytest.approx(10 * 0.1, rel=1e-3)
    assert 1.0 - float(keras.ops.convert_to_numpy(early)[0]) > 3 * 10 * 0.1


def test_the_rows_of_a_table_that_were_looked_up_move():
    """Their gradient is not a dense tensor on TensorFlow."""
    inputs = keras.Input((1,), dtype="int32")
    outputs = keras.layers.Flatten()(keras.layers.Embedding(4, 2, embeddings_initializer="ones")(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(adamw(0.1, 1, max_grad_norm=1.0), loss="mse")
    model.train_on_batch(np.array([[1], [3]]), np.zeros((2, 2), "float32"))
    (table,) = model.get_weights()
    np.testing.assert_allclose(table, [[1, 1], [0.9, 0.9], [1, 1], [0.9, 0.9]], rtol=1e-5)


def test_averages_stay_beside_the_weights_until_they_are_swapped():
    variable = keras.Variable([2.0])
    optimizer = adamw(0.5, 1, 1.0, ema_momentum=0.75)
    optimizer.build([variable])
    optimizer.apply([keras.ops.ones((1,))])
    optimizer.finalize_variable_values([variable])
    weight = float(keras.ops.convert_to_numpy(variable)[0])
    assert weight == pytest.approx(1.5, rel=1e-5)
    optimizer.swap_averages()
    assert float(keras.ops.convert_to_numpy(variable)[0]) == pytest.approx(0.75 * 2.0 + 0.25 * weight)
    optimizer.swap_averages()
    assert float(keras.ops.convert_to_numpy(variable)[0]) == weight


def test_without_averages_there_is_nothing_to_swap():
    variable = keras.Variable([2.0])
    optimizer = adamw(0.5, 1, 1.0)
    optimizer.build([variable])
    optimizer.swap_averages()
    assert float(keras.ops.convert_to_numpy(variable)[0]) == 2.0


def test_has_the_constants_of_the_original():
    optimizer = adamw(5e-5, 8, 1.0)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.9, 0.999, 1e-8)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.0, 1.0)


def test_survives_its_config():
    optimizer = adamw(WarmupSchedule("cosine", 0.1, 9), 2, 1.0, 0.1, 0.9, [0.5, 1.0], [3, 0])
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert restored.get_config() == optimizer.get_config()
