"""The optimizer counts updates, not batches."""

import keras
import numpy as np
import pytest

from kser.training.optimisation import LinearDecay, adamw


def test_learning_rate_falls_linearly_with_updates():
    schedule = LinearDecay(1e-3, updates=10, batches_per_update=4)
    rates = [float(schedule(batch)) for batch in range(40)]
    assert rates == pytest.approx(
        [1e-3 * (1 - update / 10) for update in range(10) for _ in range(4)], rel=1e-5
    )
    assert float(schedule(40)) == 0.0
    assert float(schedule(400)) == 0.0


def test_accumulated_batches_make_the_update_of_one_large_batch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 5)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")
    kernels = []
    for steps in (1, 4):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(adamw(LinearDecay(0.1, 3, steps), steps, max_grad_norm=1.0), loss="mse")
        model.fit(x, y, batch_size=16 // steps, epochs=3, shuffle=False, verbose=0)
        kernels.append(keras.ops.convert_to_numpy(model.weights[0]))
    assert not np.allclose(kernels[0], 1.0)
    np.testing.assert_allclose(kernels[0], kernels[1], atol=1e-5)


def test_has_the_constants_of_the_original():
    optimizer = adamw(5e-5, 8, 1.0)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.9, 0.999, 1e-8)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.0, 1.0)
