"""The callback that makes a run: log, best weights, saved states, and the end at the right update."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kser.errors import UserError
from kser.training.plan import TrainingPlan
from kser.training.training_log import Row, TrainingLog
from kser.training.training_state import save_best, save_state

VALIDATION_METRICS = {
    "val_loss": "val_crossentropy",
    "val_accuracy": "val_accuracy",
    "val_uar": "val_uar",
    "val_f1score": "val_f1score",
}


class Recorder(keras.callbacks.Callback):
    """Counts updates, writes the log, keeps the best weights, saves states.

    Keras' epochs are the stretches between two evaluations here: a state saved at the end of one restores
    everything, metrics included, because Keras begins each epoch with fresh metrics.

    Args:
        plan: the settings.
        states: folder for saved states and the best weights.
        log: CSV file.
        updates: how many the whole run makes.
        batches_per_epoch: of the training part.
        identity: what the run is, kept with its states.
        progress: what `restore_latest_state` gave, or `None` for a new run.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        states: Path,
        log: Path,
        updates: int,
        batches_per_epoch: int,
        identity: str,
        progress: dict[str, Any] | None,
    ):
        super().__init__()
        self.plan = plan
        self.states = states
        self.updates = updates
        self.batches_per_epoch = batches_per_epoch
        self.identity = identity
        self.data = ""  # what the training part is made of, for people
        progress = progress or {"step": 0, "best_step": None, "best_loss": None, "seconds": 0.0, "log": []}
        self.step: int = progress["step"]
        self.best_step: int | None = progress["best_step"]
        self.best_loss: float | None = progress["best_loss"]
        self.log = TrainingLog(log, progress["log"])
        self._started = time.monotonic() - progress["seconds"]
        self._batches = self.step * plan.gradient_accumulation_steps
        self._loss_window = _MeanSince()
        self._pending_loss: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds of training, those before an interruption included."""
        return time.monotonic() - self._started

    def record_evaluation(self, logs: dict[str, Any], loss: float | None = None) -> Row:
        """Write an evaluation to the log and keep the weights if they are the best so far."""
        row = self._row(loss) | {name: float(logs[key]) for name, key in _without_prefix(logs).items()}
        val_loss = row["val_loss"]
        assert val_loss is not None
        if self.best_loss is None or val_loss < self.best_loss:
            self.best_step, self.best_loss = self.step, float(val_loss)
            save_best(self.states, self.model)
        self.log.add(row)
        return row

    def on_epoch_begin(self, epoch, logs=None):
        self._loss_window.restart()

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0 and keras.config.backend() == "torch":
            # PyTorch draws dropout from one global generator, which its data loaders advance as well: how far
            # depends on whether the run was interrupted. From here to the next evaluation it follows from
            # the step alone. (On JAX and TensorFlow the seeds are variables of the model, and saved.)
            keras.utils.set_random_seed(
                int(np.random.default_rng((self.plan.seed, self.step)).integers(2**31))
            )

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        self.step, remainder = divmod(self._batches, self.plan.gradient_accumulation_steps)
        if remainder:
            return
        evaluates = self.step % self.plan.eval_steps == 0 or self.step == self.updates
        if evaluates or self.step % self.plan.logging_steps == 0:
            # Asked for now and then only: on an accelerator, reading the loss waits for the step.
            self._pending_loss = self._loss_window.mean_since_last(float(logs["loss"]), batch + 1)
            if not math.isfinite(self._pending_loss):
                raise UserError(
                    f"{self.log.path}: the training loss is no longer a number after update {self.step}; "
                    "a smaller learning_rate or max_grad_norm may help (under another experiment_name)"
                )
            if not evaluates:
                self.log.add(self._row(self._pending_loss))
        if self.step == self.updates:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.record_evaluation(logs, self._pending_loss)
        if self.step % self.plan.save_steps == 0 or self.step == self.updates:
            self.save()

    def save(self) -> None:
        """Save the state of the run at this update."""
        progress = {
            "identity": self.identity,
            "best_step": self.best_step,
            "best_loss": self.best_loss,
            "seconds": self.seconds,
            "log": self.log.rows,
        }
        save_state(self.states, self.step, self.model, progress, keep=self.plan.save_total_limit)

    def _row(self, loss: float | None) -> Row:
        return {
            "step": self.step,
            "epoch": self._batches / self.batches_per_epoch,
            "loss": loss,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": round(self.seconds, 2),
        }


class _MeanSince:
    """The mean since the last question, out of the running mean that Keras gives."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._total, self._count = 0.0, 0

    def mean_since_last(self, running_mean: float, count: int) -> float:
        total = running_mean * count
        mean = (total - self._total) / (count - self._count)
        self._total, self._count = total, count
        return mean


def _without_prefix(logs: dict[str, Any]) -> dict[str, str]:
    """Under which names Keras gives the log's columns: `fit` puts "val_" before them, `evaluate` does not."""
    if "val_crossentropy" in logs:
        return VALIDATION_METRICS
    return {name: key.removeprefix("val_") for name, key in VALIDATION_METRICS.items()}
