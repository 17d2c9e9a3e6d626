"""Batch normalisation as `torch.nn.BatchNorm1d` has it, of frames and of pooled vectors."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kser")
class FrameBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation with PyTorch's constants (momentum 0.1, in Keras' terms 0.9, and ε 1e-5).

    Statistics are taken in float32 and over what the call argument `mask` lets through. Unlike in PyTorch the
    running variance is that of the batch and not the estimate with n − 1, as everywhere in Keras.

    A single vector or frame has no variance: what is normalised by it would be 0, whatever it was. A batch
    with no more than one, such as the last of an epoch may be, is normalised by the running statistics, and
    leaves them as they are.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def _moments(self, inputs, mask):
        mean, variance = super()._moments(inputs, mask)
        mask = ops.ones_like(inputs[..., 0]) if mask is None else mask
        count = ops.sum(ops.cast(mask, "float32"))
        has_variance = count > 1
        return (
            ops.where(has_variance, mean, ops.cast(self.moving_mean, mean.dtype)),
            ops.where(has_variance, variance, ops.cast(self.moving_variance, variance.dtype)),
        )

    def compute_mask(self, inputs, previous_mask=None):
        # The mask must not travel on: the next layer would warn that it does not know it.
        return None


@keras.saving.register_keras_serializable(package="kser")
class BatchNormalization(FrameBatchNormalization):
    """The same of pooled vectors, under the class name by which saved models have always had its weights."""
