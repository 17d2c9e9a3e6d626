"""The device that computes, on which the fastest formulation of a layer depends."""

import functools

import keras


@functools.cache
def xla_on_cpu() -> bool:
    """Whether JAX or TensorFlow computes, on a CPU: their grouped convolutions are slow there."""
    backend = keras.config.backend()
    if backend == "jax":
        import jax

        return jax.default_backend() == "cpu"
    if backend == "tensorflow":
        import tensorflow

        return not tensorflow.config.list_physical_devices("GPU")
    return False
