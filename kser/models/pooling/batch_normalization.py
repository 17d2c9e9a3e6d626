"""Batch normalisation of frames, as `torch.nn.BatchNorm1d` has it."""

import keras


@keras.saving.register_keras_serializable(package="kser")
class FrameBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation with PyTorch's constants (momentum 0.1, in Keras' terms 0.9, and ε 1e-5).

    Statistics are taken in float32 and over what the call argument `mask` lets through. Unlike in PyTorch the
    running variance is that of the batch and not the estimate with n − 1, as everywhere in Keras.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def compute_mask(self, inputs, previous_mask=None):
        # The mask must not travel on: the next layer would warn that it does not know it.
        return None
