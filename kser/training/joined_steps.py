"""Several training steps in one call of the compiled program, for models whose steps take next to no time."""

from typing import Any

import keras


def join_steps(model: keras.Model) -> None:
    """Let `fit` take elements of several batches and train on one after the other; on JAX only.

    What a step computes is the same. Keras' loop around it, which takes longer than a step on vectors, is
    gone through once for all of them.

    Args:
        model: compiled and built, say by `evaluate`: `fit` could not build it from such elements.
    """
    import jax

    def steps(state: Any, element: Any) -> tuple[Any, Any]:
        def step(state: Any, batch: Any) -> tuple[Any, Any]:
            logs, state = model.train_step(state, batch)
            return state, logs

        state, logs = jax.lax.scan(step, state, element)
        return jax.tree.map(lambda values: values[-1], logs), state

    compiled = jax.jit(steps, donate_argnums=0)
    model.train_function = lambda state, batches: compiled(state, next(batches))
