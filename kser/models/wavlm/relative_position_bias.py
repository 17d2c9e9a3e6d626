"""A learned bias for every distance between two frames, in buckets that grow with the distance."""

import keras
import numpy as np
from keras import ops

from kser.models.initializers import SeededNormal


@keras.saving.register_keras_serializable(package="kser")
class RelativePositionBias(keras.layers.Layer):
    """What the attention of WavLM adds for the distance between two frames, one number for each head.

    Half of the buckets are for keys after the query, half for the others. Half of each half are distances
    from 0 up, one each; the rest are ranges of equal ratio up to `max_distance`, the last without an end.

    Args:
        num_heads: int.
        num_buckets: int.
        max_distance: int, frames.

    Call arguments:
        frames: tensor (batch, frames, channels); of which only the length matters.

    Returns:
        tensor (1, heads, frames, frames), queries before keys.

    Source: Chen et al. (2022), [WavLM](https://arxiv.org/abs/2110.13900), section III-B; buckets of
    [T5](https://arxiv.org/abs/1910.10683).
    """

    def __init__(self, num_heads, num_buckets=320, max_distance=800, **kwargs):
        super().__init__(**kwargs)
        if num_buckets % 4 or not 0 < num_buckets // 4 < max_distance:
            raise ValueError(
                "`num_buckets` must be a multiple of 4 and a quarter of it less than `max_distance`. "
                f"Received: num_buckets={num_buckets}, max_distance={max_distance}"
            )
        self.num_heads = num_heads
        self.num_buckets = num_buckets
        self.max_distance = max_distance

    def build(self, frames_shape):
        self.embedding = self.add_weight(
            name="embedding",
            shape=(self.num_buckets, self.num_heads),
            initializer=SeededNormal(mean=0.0, stddev=0.02),
        )

    def call(self, frames):
        # One row for each distance from -max_distance to max_distance; what is further away is in the same
        # bucket. The buckets are constants: logarithms of another backend could fall on the other side.
        rows = ops.take(self.embedding, self.bucket_of_distance(), axis=0)
        # Counted with a running sum and not `arange(shape)`: it exports with a dynamic time axis.
        position = ops.cumsum(ops.ones_like(frames[0, :, 0], dtype="int32"))
        distance = ops.expand_dims(position, 0) - ops.expand_dims(position, 1)  # key minus query
        row = ops.clip(distance, -self.max_distance, self.max_distance) + self.max_distance
        bias = ops.take(ops.cast(rows, self.compute_dtype), row, axis=0)
        return ops.expand_dims(ops.transpose(bias, (2, 0, 1)), 0)

    def bucket_of_distance(self) -> np.ndarray:
        """Bucket of each distance from `-max_distance` to `max_distance`, int32 (2 · max_distance + 1,)."""
        half = self.num_buckets // 2
        exact = half // 2
        distance = np.arange(-self.max_distance, self.max_distance + 1)
        # float32, rounded down, in this order: as the published models compute it.
        ratio = np.log(np.maximum(np.abs(distance), 1).astype(np.float32) / np.float32(exact))
        ratio = ratio / np.float32(np.log(self.max_distance / exact)) * np.float32(half - exact)
        logarithmic = np.minimum((exact + ratio).astype(np.int32), half - 1)
        bucket = np.where(np.abs(distance) < exact, np.abs(distance), logarithmic)
        return (bucket + half * (distance > 0)).astype(np.int32)

    def compute_output_spec(self, frames):
        length = frames.shape[1]
        return keras.KerasTensor((1, self.num_heads, length, length), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_buckets": self.num_buckets,
            "max_distance": self.max_distance,
        }
