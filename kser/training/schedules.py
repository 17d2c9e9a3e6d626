"""The learning rate over a run: a linear warm-up, then a decay or none."""

import math

import keras
from keras import ops

SCHEDULES = ("linear", "cosine", "constant")


@keras.saving.register_keras_serializable(package="kser")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of each update of a run.

    Update u < w = `warmup_updates` has `learning_rate` · u / w; later ones, with p = (u − w) / (updates − w):

    - `"linear"`: `learning_rate` · (1 − p),
    - `"cosine"`: `learning_rate` · (1 + cos πp) / 2,
    - `"constant"`: `learning_rate`.

    Updates count from 0, so that with a warm-up the first one moves nothing, and the decays would reach 0 at
    the update after the last. These are `get_linear_schedule_with_warmup`, `get_cosine_schedule_with_warmup`
    and `get_constant_schedule_with_warmup` of transformers' `optimization.py`.

    Args:
        schedule: `"linear"`, `"cosine"` or `"constant"`.
        learning_rate: float, the highest.
        updates: int, updates of the whole run.
        warmup_updates: int, how many of them the warm-up takes.
        batches_per_update: int; Keras counts batches and not updates when gradients are accumulated.

    Raises:
        ValueError: unknown schedule.
    """

    def __init__(
        self,
        schedule: str,
        learning_rate: float,
        updates: int,
        warmup_updates: int = 0,
        batches_per_update: int = 1,
    ):
        if schedule not in SCHEDULES:
            raise ValueError(f"`schedule` must be one of {list(SCHEDULES)}. Received: schedule={schedule!r}")
        self.schedule = schedule
        self.highest = learning_rate
        self.updates = updates
        self.warmup_updates = warmup_updates
        self.batches_per_update = batches_per_update

    def __call__(self, step):
        return self.at(step, self.updates, self.warmup_updates)

    def at(self, step, updates, warmup_updates):
        """The learning rate of a step, with other numbers of updates than its own.

        Args:
            step: int tensor, as Keras counts.
            updates: float or int, a tensor for a compiled step that is the same for runs of any length.
            warmup_updates: as `updates`.
        """
        update = ops.floor(ops.cast(step, "float32") / self.batches_per_update)
        updates, warmup_updates = (ops.cast(number, "float32") for number in (updates, warmup_updates))
        passed = (update - warmup_updates) / ops.maximum(updates - warmup_updates, 1.0)
        if self.schedule == "linear":
            rate = self.highest * ops.maximum(1.0 - passed, 0.0)
        elif self.schedule == "cosine":
            rate = self.highest * 0.5 * (1.0 + ops.cos(math.pi * ops.clip(passed, 0.0, 1.0)))
        else:
            rate = self.highest * ops.ones_like(update)
        rising = self.highest * update / ops.maximum(warmup_updates, 1.0)
        return ops.where(update < warmup_updates, rising, rate)

    def get_config(self):
        return {
            "schedule": self.schedule,
            "learning_rate": self.highest,
            "updates": self.updates,
            "warmup_updates": self.warmup_updates,
            "batches_per_update": self.batches_per_update,
        }


def warmup_updates(updates: int, warmup_ratio: float) -> int:
    """How many updates of a run the warm-up takes: the share of them, rounded up as transformers does."""
    return math.ceil(updates * warmup_ratio)
