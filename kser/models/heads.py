"""The head: the steps from the pooled vector of an utterance to the vector that the last layer sees.

A step is a function with settings, which are arguments of every task's model and are saved with it. The
layers of the steps follow each other in the order of this file, those of other packages after them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras

from kser.models.hashed_dropout import HashedDropout
from kser.models.initializers import SeededNormal
from kser.models.pooling.batch_normalization import BatchNormalization
from kser.models.standardization import Standardization

PROJECTION_ACTIVATIONS = ("tanh", "relu", "linear")


class Head(SimpleNamespace):
    """The settings of all steps as attributes, and the layers that they ask for, all in float32.

    Args:
        **settings: those that differ from their defaults.

    Raises:
        ValueError: no step has such a setting.
    """

    def __init__(self, **settings: Any):
        known = {name: value for step in HEAD_STEPS.values() for name, value in step.defaults.items()}
        for name in settings:
            if name not in known:
                raise ValueError(f"A task has no argument `{name}`, and its head has {', '.join(known)}")
        super().__init__(**{**known, **settings})

    def layers(self) -> list[keras.layers.Layer]:
        """New layers of all steps, in their order.

        Raises:
            ValueError: a setting has an impossible value.
        """
        return [layer for step in HEAD_STEPS.values() for layer in step.layers(self)]

    def dense(self, units: int, name: str) -> keras.layers.Dense:
        """A linear layer with the initial weights of the published models' heads (normal, 0.02)."""
        return keras.layers.Dense(
            units,
            kernel_initializer=SeededNormal(mean=0.0, stddev=0.02),
            kernel_regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
            name=name,
            dtype="float32",
        )


LayersOfStep = Callable[[Head], list[keras.layers.Layer]]


@dataclass(frozen=True)
class HeadStep:
    """What `head_step` registers.

    Args:
        defaults: the settings by name, with their defaults.
        layers: makes the layers of the step.
    """

    defaults: dict[str, Any]
    layers: LayersOfStep


HEAD_STEPS: dict[str, HeadStep] = {}
"""The steps by name, in their order."""


def head_step(**defaults: Any) -> Callable[[LayersOfStep], LayersOfStep]:
    """Decorator of a function that makes the layers of a step: registers it after the steps before it.

    Args:
        **defaults: the settings of the step by name, with values that leave the head as it is without it. The
            function is given a `Head`, whose attributes are the settings of all steps.

    Examples:

        @head_step(bottleneck_dim=None)
        def bottleneck(head):
            return [] if head.bottleneck_dim is None else [head.dense(head.bottleneck_dim, "bottleneck")]

        EmotionClassifier(backbone, labels, bottleneck_dim=16)
    """

    def register(layers: LayersOfStep) -> LayersOfStep:
        HEAD_STEPS[layers.__name__] = HeadStep(defaults, layers)
        return layers

    return register


@head_step(l2=0.0)
def penalty(head: Head) -> list[keras.layers.Layer]:
    """No layer, but a term of the loss.

    Settings:
        l2: float, weight of the squared norm of the kernels of `Head.dense`.
    """
    return []


@head_step(use_standardization=False)
def standardization(head: Head) -> list[keras.layers.Layer]:
    """Mean 0 and variance 1 of each channel over the training part, see `Standardization`.

    Training takes the statistics of the vectors that a new model gives before its first update.

    Settings:
        use_standardization: bool, whether there is one.
    """
    return [Standardization(name="standardization", dtype="float32")] if head.use_standardization else []


@head_step(use_relu=True)
def rectification(head: Head) -> list[keras.layers.Layer]:
    """ReLU on the pooled vector.

    Settings:
        use_relu: bool, whether there is one.
    """
    return [keras.layers.ReLU(name="relu", dtype="float32")] if head.use_relu else []


@head_step(use_batch_norm=False)
def batch_normalization(head: Head) -> list[keras.layers.Layer]:
    """Batch normalisation as the original study used it, see `BatchNormalization`.

    Settings:
        use_batch_norm: bool, whether there is one.
    """
    if not head.use_batch_norm:
        return []
    return [BatchNormalization(name="batch_norm", dtype="float32")]


@head_step(dropout=0.0)
def dropout(head: Head) -> list[keras.layers.Layer]:
    """Dropout on the vector.

    Settings:
        dropout: float, the share that is dropped in training.
    """
    return [HashedDropout(head.dropout, name="dropout", dtype="float32")]


@head_step(projection_dim=None, projection_activation="tanh")
def projection(head: Head) -> list[keras.layers.Layer]:
    """A further dense layer with an activation, and dropout again.

    Settings:
        projection_dim: int, its units, or `None` for no projection.
        projection_activation: `"tanh"`, `"relu"` or `"linear"`.
    """
    units, activation = head.projection_dim, head.projection_activation
    if activation not in PROJECTION_ACTIVATIONS:
        raise ValueError(
            f"`projection_activation` must be one of {list(PROJECTION_ACTIVATIONS)}. "
            f"Received: projection_activation={activation!r}"
        )
    if units is None:
        return []
    if not isinstance(units, int) or units < 1:
        raise ValueError(
            "`projection_dim` must be None or a whole number of at least 1. "
            f"Received: projection_dim={units!r}"
        )
    return [
        head.dense(units, "projection"),
        keras.layers.Activation(activation, name="projection_activation", dtype="float32"),
        HashedDropout(head.dropout, name="projection_dropout", dtype="float32"),
    ]


def apply_head(layers: list[keras.layers.Layer], x: Any, has_frames: Any) -> Any:
    """Call the layers of a head one after another.

    Args:
        layers: of `Head.layers`.
        x: float32 tensor (batch, channels), the pooled vectors.
        has_frames: bool tensor (batch,). Batches of a fixed shape may have empty places; they must not shift
            the statistics of the batch normalisation.

    Returns:
        float32 tensor (batch, channels of the last step).
    """
    for layer in layers:
        takes_mask = isinstance(layer, keras.layers.BatchNormalization)
        x = layer(x, mask=has_frames) if takes_mask else layer(x)
    return x
