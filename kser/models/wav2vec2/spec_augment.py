"""SpecAugment on hidden frames: spans of time and of channels are masked in training."""

import keras
from keras import ops

from kser.models.initializers import SeededNormal


@keras.saving.register_keras_serializable(package="kser")
class SpecAugment(keras.layers.Layer):
    """Replaces random spans of frames by a learned vector and sets random spans of channels to zero.

    Only in training; in inference the frames pass through. An utterance of n frames gets
    `mask_time_prob · n / mask_time_length` spans, rounded up or down by chance, at least
    `mask_time_min_masks` and no more than fit in; spans start at different frames and may overlap. Channels
    are treated likewise. An utterance shorter than a span is left as it is.

    Args:
        mask_time_prob: float, share of the frames that spans would cover if none overlapped; 0 for none.
        mask_time_length: int, frames in a span.
        mask_time_min_masks: int, spans that every utterance gets.
        mask_feature_prob: float, the same of channels.
        mask_feature_length: int, channels in a span.
        mask_feature_min_masks: int.

    Call arguments:
        frames: tensor (batch, frames, channels).
        frame_mask: bool tensor (batch, frames), true for valid frames, which come first.

    Returns:
        tensor (batch, frames, channels).

    Source: Park et al. (2019), [SpecAugment](https://arxiv.org/abs/1904.08779), in the form of
    [wav2vec 2.0](https://arxiv.org/abs/2006.11477), section 4.2. The published code draws one rounding for
    the whole batch and counts the spans that fit by its longest utterance; here each utterance has its own.
    """

    def __init__(
        self,
        mask_time_prob=0.05,
        mask_time_length=10,
        mask_time_min_masks=2,
        mask_feature_prob=0.0,
        mask_feature_length=10,
        mask_feature_min_masks=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if min(mask_time_length, mask_feature_length) < 1:
            raise ValueError(
                "The length of a span must be at least 1. Received: "
                f"mask_time_length={mask_time_length}, mask_feature_length={mask_feature_length}"
            )
        self.mask_time_prob = mask_time_prob
        self.mask_time_length = mask_time_length
        self.mask_time_min_masks = mask_time_min_masks
        self.mask_feature_prob = mask_feature_prob
        self.mask_feature_length = mask_feature_length
        self.mask_feature_min_masks = mask_feature_min_masks
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, frames_shape, frame_mask_shape):
        if self.mask_time_prob:
            # Mean and deviation of the uniform distribution that the published models start from.
            self._embedding_initializer = SeededNormal(mean=0.5, stddev=12**-0.5)
            self.mask_embedding = self.add_weight(
                name="mask_embedding", shape=(frames_shape[-1],), initializer=self._embedding_initializer
            )

    def draw_mask_embedding(self):
        """Give the mask embedding random values, as a new layer has them."""
        self.mask_embedding.assign(self._embedding_initializer(self.mask_embedding.shape))

    def call(self, frames, frame_mask, training=None):
        if not training:
            return frames
        if self.mask_time_prob:
            masked = random_spans(
                frame_mask,
                self.mask_time_prob,
                self.mask_time_length,
                self.mask_time_min_masks,
                self.seed_generator,
            )
            embedding = ops.cast(self.mask_embedding, frames.dtype)
            frames = ops.where(ops.expand_dims(masked, -1), embedding, frames)
        if self.mask_feature_prob:
            masked = random_spans(
                ops.ones_like(frames[:, 0, :], dtype="bool"),
                self.mask_feature_prob,
                self.mask_feature_length,
                self.mask_feature_min_masks,
                self.seed_generator,
            )
            frames = ops.where(ops.expand_dims(masked, 1), ops.zeros_like(frames), frames)
        return frames

    def compute_output_spec(self, frames, frame_mask, training=None):
        return keras.KerasTensor(frames.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "mask_time_prob": self.mask_time_prob,
            "mask_time_length": self.mask_time_length,
            "mask_time_min_masks": self.mask_time_min_masks,
            "mask_feature_prob": self.mask_feature_prob,
            "mask_feature_length": self.mask_feature_length,
            "mask_feature_min_masks": self.mask_feature_min_masks,
        }


def random_spans(valid, probability, span_length, minimum, seed):
    """Random spans within the valid places of each row.

    Args:
        valid: bool tensor (batch, places), the true ones first.
        probability: float, share of the valid places that spans would cover if none overlapped.
        span_length: int, places in a span.
        minimum: int, spans of a row, if that many fit.
        seed: `keras.random.SeedGenerator`.

    Returns:
        bool tensor (batch, places), true inside a span.
    """
    count = ops.sum(ops.cast(valid, "float32"), axis=1, keepdims=True)
    rounding = keras.random.uniform(ops.shape(count), seed=seed)
    spans = ops.maximum(ops.floor(probability * count / span_length + rounding), minimum)
    starts = ops.maximum(count - (span_length - 1), 0.0)
    spans = ops.minimum(ops.minimum(spans, ops.floor(count / span_length)), starts)
    # A row starts its spans where it drew the highest numbers: that many places, all different.
    place = ops.cumsum(ops.ones_like(valid, dtype="float32"), axis=1)
    draws = ops.where(place <= starts, keras.random.uniform(ops.shape(valid), seed=seed), -1.0)
    rank = ops.argsort(ops.argsort(-draws, axis=1), axis=1)
    begun = ops.cumsum(ops.cast(ops.cast(rank, "float32") < spans, "float32"), axis=1)
    ended = ops.pad(begun, [[0, 0], [span_length, 0]])[:, :-span_length]
    return begun > ended
