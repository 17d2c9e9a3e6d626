"""From the pooled vector of an utterance to the vector that the last layer sees."""

import keras

from kser.models.hashed_dropout import HashedDropout
from kser.models.initializers import SeededNormal

PROJECTION_ACTIVATIONS = ("tanh", "relu", "linear")


def head_layers(
    use_relu: bool,
    use_batch_norm: bool,
    dropout: float,
    l2: float,
    projection_dim: int | None,
    projection_activation: str,
) -> list[keras.layers.Layer]:
    """The layers of a head but for the last, in the order in which they follow each other, all in float32.

    ReLU → batch normalisation → dropout, the head of the study that kser continues; a `projection_dim` adds
    dense → activation → dropout. Arguments as of `EmotionTask`.

    Raises:
        ValueError: there is no such `projection_activation`, or `projection_dim` is no whole number from 1.
    """
    if projection_activation not in PROJECTION_ACTIVATIONS:
        raise ValueError(
            f"`projection_activation` must be one of {list(PROJECTION_ACTIVATIONS)}. "
            f"Received: projection_activation={projection_activation!r}"
        )
    if projection_dim is not None and (not isinstance(projection_dim, int) or projection_dim < 1):
        raise ValueError(
            "`projection_dim` must be a whole number from 1, or None. "
            f"Received: projection_dim={projection_dim!r}"
        )
    layers: list[keras.layers.Layer] = []
    if use_relu:
        layers.append(keras.layers.ReLU(name="relu", dtype="float32"))
    if use_batch_norm:
        # The constants of `torch.nn.BatchNorm1d`, which the study used.
        layers.append(
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="batch_norm", dtype="float32")
        )
    layers.append(HashedDropout(dropout, name="dropout", dtype="float32"))
    if projection_dim is not None:
        layers += [
            head_dense(projection_dim, l2, "projection"),
            keras.layers.Activation(projection_activation, name="projection_activation", dtype="float32"),
            HashedDropout(dropout, name="projection_dropout", dtype="float32"),
        ]
    return layers


def head_dense(units: int, l2: float, name: str) -> keras.layers.Dense:
    """A linear layer in float32 with the initial weights of the published models' heads (normal, 0.02).

    Args:
        units: outputs.
        l2: weight of the kernel's squared norm in the loss.
        name: of the layer.
    """
    return keras.layers.Dense(
        units,
        kernel_initializer=SeededNormal(mean=0.0, stddev=0.02),
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        name=name,
        dtype="float32",
    )


def apply_head(layers: list[keras.layers.Layer], x, has_frames):
    """What the layers of `head_layers` make of pooled vectors.

    Args:
        layers: what `head_layers` gave.
        x: float32 tensor (batch, channels).
        has_frames: bool tensor (batch,). Batches of a fixed shape may have empty places; they must not shift
            the statistics of the batch normalisation.

    Returns:
        float32 tensor (batch, channels or `projection_dim`).
    """
    for layer in layers:
        takes_mask = isinstance(layer, keras.layers.BatchNormalization)
        x = layer(x, mask=has_frames) if takes_mask else layer(x)
    return x
