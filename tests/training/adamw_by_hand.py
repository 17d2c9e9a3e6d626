"""AdamW with factors, late weights, decay, clipping, accumulation and averages, in NumPy and in kser.

As a program it compares the two on KERAS_BACKEND's backend: `python -m tests.training.adamw_by_hand`.
"""

import keras
import numpy as np

from kser.training.optimisation import adamw

RATE, DECAY, CLIP, MOMENTUM = 0.05, 0.1, 0.5, 0.9
SHAPES = [(4, 3), (3,), (3, 2), (2,)]
FACTORS = [0.25, 0.25, 1.0, 1.0]
FIRST_UPDATES = [2, 2, 0, 0]
UPDATES, WINDOW = 6, 2


def by_hand(weights, gradients):
    """What the weights and their averages become; `gradients`: a list for each batch.

    The first two weights are trained from update 2 on, in a second stage that carries the others' moments.
    """
    weights = [weight.astype("float64") for weight in weights]
    moments = [(np.zeros_like(weight), np.zeros_like(weight)) for weight in weights]
    averages = [weight.copy() for weight in weights]
    for update in range(UPDATES):
        trained = [i for i, first in enumerate(FIRST_UPDATES) if first <= update]
        window = gradients[update * WINDOW : (update + 1) * WINDOW]
        mean = {i: np.mean([batch[i] for batch in window], axis=0) for i in trained}
        norm = np.sqrt(sum(np.sum(gradient**2) for gradient in mean.values()))
        for i in trained:
            gradient = mean[i] * min(1.0, CLIP / norm)
            rate, t = RATE * FACTORS[i], update - FIRST_UPDATES[i] + 1
            if weights[i].ndim > 1:
                weights[i] -= rate * DECAY * weights[i]
            m = 0.9 * moments[i][0] + 0.1 * gradient
            v = 0.999 * moments[i][1] + 0.001 * gradient**2
            moments[i] = (m, v)
            step = rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            weights[i] -= step * m / (np.sqrt(v) + 1e-8)
            averages[i] = MOMENTUM * averages[i] + (1 - MOMENTUM) * weights[i]
    return weights, averages


def by_kser(weights, gradients):
    """The same by `GroupedAdamW`, with a second optimizer that takes over from the first."""
    variables = [keras.Variable(weight) for weight in weights]
    optimizer, earlier = None, []
    for stage in sorted(set(FIRST_UPDATES)):
        trained = [i for i, first in enumerate(FIRST_UPDATES) if first <= stage]
        before, optimizer = (
            optimizer,
            adamw(
                RATE,
                WINDOW,
                CLIP,
                DECAY,
                MOMENTUM,
                [FACTORS[i] for i in trained],
                [FIRST_UPDATES[i] for i in trained],
            ),
        )
        optimizer.build([variables[i] for i in trained])
        if before is not None:
            optimizer.batches.assign(before.batches)
            for slot, kept in before.slots().items():
                for i, old in zip(earlier, kept, strict=True):
                    optimizer.slots()[slot][trained.index(i)].assign(keras.ops.convert_to_numpy(old))
        earlier = trained
        stop = min([UPDATES, *(first for first in FIRST_UPDATES if first > stage)])
        for batch in gradients[stage * WINDOW : stop * WINDOW]:
            optimizer.apply([keras.ops.convert_to_tensor(batch[i]) for i in trained])
    values = [keras.ops.convert_to_numpy(variable) for variable in variables]
    optimizer.swap_averages()
    return values, [keras.ops.convert_to_numpy(variable) for variable in variables]


def differences() -> float:
    """The largest difference between the two."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    gradients = [
        [rng.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(UPDATES * WINDOW)
    ]
    pairs = zip(by_hand(weights, gradients), by_kser(weights, gradients), strict=True)
    return max(
        float(np.abs(one - other).max())
        for hand, ours in pairs
        for one, other in zip(hand, ours, strict=True)
    )


if __name__ == "__main__":
    print(differences())
