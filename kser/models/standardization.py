"""Standardising vectors with the mean and the standard deviation of the training part."""

import keras
import numpy as np

from kser.keras_internals import layers_within

# A channel that varies less, of its largest value, than float32 rounds by is taken for constant.
_LEAST_DEVIATION = 1e-5


@keras.saving.register_keras_serializable(package="kser")
class Standardization(keras.layers.Layer):
    """Shifts and scales each channel by fixed statistics, which are saved with the model.

    A new layer changes nothing until `adapt` is given vectors. Unlike batch normalisation, it does not depend
    on the batch, and what it computes is the same in training and afterwards.

    Input and output: float32 tensor (batch, channels).
    """

    def build(self, vectors_shape):
        channels = vectors_shape[-1:]
        self.mean = self.add_weight(shape=channels, initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(
            shape=channels, initializer="ones", trainable=False, name="deviation"
        )

    def call(self, vectors):
        return (vectors - self.mean) / self.deviation

    def compute_output_spec(self, vectors):
        return keras.KerasTensor(vectors.shape, dtype=self.compute_dtype)

    @property
    def is_adapted(self) -> bool:
        """Whether it has statistics."""
        mean, deviation = map(keras.ops.convert_to_numpy, (self.mean, self.deviation))
        return bool((mean != 0.0).any() or (deviation != 1.0).any())

    def adapt(self, vectors: np.ndarray) -> None:
        """Take the statistics of vectors, computed in float64: the same on every backend.

        Args:
            vectors: float array (vectors, channels). Channels that do not vary in it are shifted only.
        """
        vectors = np.asarray(vectors, "float64")
        deviation = vectors.std(axis=0)
        least = _LEAST_DEVIATION * np.abs(vectors).max(axis=0)
        self.mean.assign(vectors.mean(axis=0))
        self.deviation.assign(np.where(deviation > least, deviation, 1.0))


def unadapted_standardizations(model: keras.Model) -> list[Standardization]:
    """The layers of a model, and of models inside it, that have no statistics yet."""
    return [
        layer for layer in layers_within(model) if isinstance(layer, Standardization) and not layer.is_adapted
    ]
