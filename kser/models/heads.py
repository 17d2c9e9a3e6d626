"""From the pooled vector of an utterance to its outputs."""

import keras

from kser.models.initializers import SeededNormal

PROJECTION_ACTIVATIONS = ("tanh", "relu", "linear")


def head_layers(
    num_outputs: int,
    use_relu: bool,
    use_batch_norm: bool,
    dropout: float,
    l2: float,
    projection_dim: int | None,
    projection_activation: str,
    dtype: keras.DTypePolicy,
) -> list[keras.layers.Layer]:
    """The layers of a head, in the order in which they follow each other.

    ReLU → batch normalisation → dropout → dense, the head of the study that kser continues; a
    `projection_dim` puts dense → activation → dropout before the last layer. Arguments as of
    `EmotionClassifier`.

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
        layers.append(keras.layers.ReLU(name="relu", dtype=dtype))
    if use_batch_norm:
        # The constants of `torch.nn.BatchNorm1d`, which the study used.
        layers.append(
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="batch_norm", dtype=dtype)
        )
    layers.append(keras.layers.Dropout(dropout, name="dropout", dtype=dtype))
    if projection_dim is not None:
        layers += [
            _dense(projection_dim, l2, "projection", dtype),
            keras.layers.Activation(projection_activation, name="projection_activation", dtype=dtype),
            keras.layers.Dropout(dropout, name="projection_dropout", dtype=dtype),
        ]
    return [*layers, _dense(num_outputs, l2, "logits", "float32")]


def _dense(units, l2, name, dtype):
    """A dense layer with the initial weights of the published models' heads (normal, 0.02)."""
    return keras.layers.Dense(
        units,
        kernel_initializer=SeededNormal(mean=0.0, stddev=0.02),
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        name=name,
        dtype=dtype,
    )


def apply_head(layers: list[keras.layers.Layer], x, has_frames):
    """What the layers of `head_layers` make of pooled vectors.

    Args:
        layers: what `head_layers` gave.
        x: tensor (batch, channels).
        has_frames: bool tensor (batch,). Batches of a fixed shape may have empty places; they must not shift
            the statistics of the batch normalisation.

    Returns:
        float32 tensor (batch, num_outputs).
    """
    for layer in layers:
        takes_mask = isinstance(layer, keras.layers.BatchNormalization)
        x = layer(x, mask=has_frames) if takes_mask else layer(x)
    return x
