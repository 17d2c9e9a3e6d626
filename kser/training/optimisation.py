"""AdamW with a learning rate that falls linearly to zero."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kser")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate that starts at its full value and would reach 0 at the update after the last.

    Args:
        initial_learning_rate: float, of the first update.
        updates: int, updates of the whole run.
        batches_per_update: int; Keras counts batches and not updates when gradients are accumulated.
    """

    def __init__(self, initial_learning_rate: float, updates: int, batches_per_update: int = 1):
        self.initial_learning_rate = initial_learning_rate
        self.updates = updates
        self.batches_per_update = batches_per_update

    def __call__(self, step):
        update = ops.floor(ops.cast(step, "float32") / self.batches_per_update)
        return self.initial_learning_rate * ops.maximum(1.0 - update / self.updates, 0.0)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "updates": self.updates,
            "batches_per_update": self.batches_per_update,
        }


def adamw(learning_rate, gradient_accumulation_steps: int, max_grad_norm: float) -> keras.optimizers.AdamW:
    """AdamW with the constants of the original system (those of `torch.optim.AdamW`, no weight decay).

    Args:
        learning_rate: float or schedule.
        gradient_accumulation_steps: batches whose gradients are averaged for one update.
        max_grad_norm: longest gradient, as the norm over all weights; longer ones are scaled down.

    Source: [Loshchilov & Hutter (2019)](https://arxiv.org/abs/1711.05101).
    """
    return keras.optimizers.AdamW(
        learning_rate=learning_rate,
        weight_decay=0.0,
        epsilon=1e-8,
        global_clipnorm=max_grad_norm,
        gradient_accumulation_steps=gradient_accumulation_steps if gradient_accumulation_steps > 1 else None,
    )
