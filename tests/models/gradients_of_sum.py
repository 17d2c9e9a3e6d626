"""Gradients of a function of arrays, on any backend."""

from collections.abc import Callable

import keras
import numpy as np


def gradients_of_sum(function: Callable, *arrays: np.ndarray) -> list[np.ndarray]:
    """Gradient of the sum of what a function of tensors gives with respect to each of the arrays."""
    if keras.config.backend() == "jax":
        import jax

        loss = lambda *tensors: keras.ops.sum(function(*tensors))  # noqa: E731
        found = jax.jit(jax.grad(loss, tuple(range(len(arrays)))))(*arrays)
    elif keras.config.backend() == "tensorflow":
        import tensorflow as tf

        tensors = [tf.Variable(array) for array in arrays]
        with tf.GradientTape() as tape:
            loss = keras.ops.sum(function(*(tensor.value() for tensor in tensors)))
        found = tape.gradient(loss, tensors)
    else:
        import torch

        tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
        found = torch.autograd.grad(keras.ops.sum(function(*tensors)), tensors)
    return [np.asarray(gradient) for gradient in found]
