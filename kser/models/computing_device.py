"""The device that computes, on which the fastest formulation of a layer depends, and what memory there is."""

import functools
import os

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


def machine_memory() -> int:
    """Bytes of the machine's own memory, which an accelerator's seldom is more than."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
