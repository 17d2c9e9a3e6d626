"""Gradients of a model's weights, on any backend."""

import keras
import numpy as np


def gradients(model: keras.Model, inputs: dict[str, np.ndarray], weighting: np.ndarray) -> list[np.ndarray]:
    """Gradient of `sum(weighting · outputs)` with respect to each trainable weight, in inference mode.

    Args:
        model: with a tuple of outputs of one shape.
        inputs: of the model.
        weighting: (outputs, *shape of an output).
    """
    compute = {"jax": _with_jax, "tensorflow": _with_tensorflow, "torch": _with_torch}
    return compute[keras.config.backend()](model, inputs, weighting)


def _loss(outputs, weighting):
    return sum(keras.ops.sum(weights * output) for weights, output in zip(weighting, outputs, strict=True))


def _with_jax(model, inputs, weighting):
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]

    def loss(values):
        return _loss(model.stateless_call(values, fixed, inputs, training=False)[0], weighting)

    values = [variable.value for variable in model.trainable_variables]
    return [np.asarray(gradient) for gradient in jax.jit(jax.grad(loss))(values)]


def _with_tensorflow(model, inputs, weighting):
    import tensorflow as tf

    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = _loss(model(inputs, training=False), weighting)
    found = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [tf.convert_to_tensor(gradient).numpy() for gradient in found]


def _with_torch(model, inputs, weighting):
    import torch

    weighting = keras.ops.convert_to_tensor(weighting)
    values = [variable.value for variable in model.trainable_variables]
    loss = _loss(model(inputs, training=False), weighting)
    found = torch.autograd.grad(loss, values, allow_unused=True, materialize_grads=True)
    return [gradient.numpy() for gradient in found]
