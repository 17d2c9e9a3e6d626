"""From the standardised values of a network to those of a corpus."""

import math
from collections.abc import Sequence

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kser")
class OriginalUnits(keras.layers.Layer):
    """Standardised values × `scales` + `offsets`: (batch, targets) → (batch, targets).

    Args:
        offsets: list of float, one a target: what a standardised value of 0 stands for.
        scales: list of float above 0, one a target: what a difference of 1 stands for.

    Raises:
        ValueError: the lists differ in length, a number is not finite, or a scale is not above 0.
    """

    def __init__(self, offsets, scales, **kwargs):
        super().__init__(**kwargs)
        if len(offsets) != len(scales):
            raise ValueError(
                "`offsets` and `scales` must have the same length. "
                f"Received: offsets={list(offsets)}, scales={list(scales)}"
            )
        self.offsets = _floats("offsets", offsets)
        self.scales = _floats("scales", scales)
        if min(self.scales) <= 0:
            raise ValueError(f"`scales` must be above 0. Received: scales={self.scales}")
        self.supports_masking = True

    def call(self, standardized):
        scales = ops.convert_to_tensor(self.scales, dtype=self.compute_dtype)
        return standardized * scales + ops.convert_to_tensor(self.offsets, dtype=self.compute_dtype)

    def compute_output_shape(self, standardized_shape):
        return standardized_shape

    def get_config(self):
        return {**super().get_config(), "offsets": self.offsets, "scales": self.scales}


def unit_arguments(
    targets: Sequence[str], offsets: Sequence[float] | None, scales: Sequence[float] | None
) -> tuple[list[float], list[float]]:
    """Offsets and scales of a model's targets, 0 and 1 where none are given.

    Raises:
        ValueError: their number is not that of the targets, or one is not finite.
    """
    offsets = [0.0] * len(targets) if offsets is None else _floats("offsets", offsets)
    scales = [1.0] * len(targets) if scales is None else _floats("scales", scales)
    for argument, values in (("offsets", offsets), ("scales", scales)):
        if len(values) != len(targets):
            raise ValueError(
                f"`{argument}` must be one for each of the {len(targets)} targets {', '.join(targets)}. "
                f"Received: {argument}={values}"
            )
    return offsets, scales


def _floats(argument: str, values: Sequence[float]) -> list[float]:
    floats = [float(value) for value in values]
    if not all(math.isfinite(value) for value in floats):
        raise ValueError(f"`{argument}` must be finite numbers. Received: {argument}={floats}")
    return floats
