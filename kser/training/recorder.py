"""The callback that makes a run: log, best weights, saved states, and the end at the right update."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kser.errors import UserError
from kser.training.devices import devices_in_use
from kser.training.early_stopping import Patience, is_better
from kser.training.objectives import Objective, metric_named
from kser.training.plan import TrainingPlan
from kser.training.process_group import is_first
from kser.training.training_log import Row, TrainingLog
from kser.training.training_state import keep_weights, save_best, save_state


class Recorder(keras.callbacks.Callback):
    """Counts updates, writes the log, keeps the best weights, saves states, ends the run.

    Keras' epochs are the stretches between two evaluations here: a state saved at the end of one restores
    everything, metrics included, because Keras begins each epoch with fresh metrics. Of processes that train
    together only the first writes.

    Args:
        plan: the settings.
        objective: what evaluations give, and which of two values is better.
        states: folder for saved states and the best weights.
        log: CSV file.
        updates: how many the whole run makes.
        batches_per_epoch: of the training part.
        identity: what the run is, kept with its states.
        progress: that of the `SavedState` that the run continues, or `None` for a new run.
        patient_until: update up to which evaluations without an improvement do not count.
        description: what the training part consists of and how much of the model is trained.
        batches_per_call: how many batches `fit` trains on from one `on_train_batch_end` to the next.

    Attributes:
        step: updates made.
        best_step: update after which `plan.best_metric` was best.
        best_value: its value after that update.
        best_loss: the validation loss after that update.
        stopped_early: whether the run ended because nothing improved any more.
        devices: how many devices shared its batches, from one interruption to the next.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        objective: Objective,
        states: Path,
        log: Path,
        updates: int,
        batches_per_epoch: int,
        identity: str,
        progress: dict[str, Any] | None,
        patient_until: int = 0,
        description: str = "",
        batches_per_call: int = 1,
    ):
        super().__init__()
        self.plan = plan
        self.objective = objective
        self.states = states
        self.updates = updates
        self.batches_per_epoch = batches_per_epoch
        self.identity = identity
        self.patient_until = patient_until
        self.description = description
        self.batches_per_call = batches_per_call
        progress = progress or {}
        self.step: int = progress.get("step", 0)
        self.best_step: int | None = progress.get("best_step")
        self.best_value: float | None = progress.get("best_value")
        self.best_loss: float | None = progress.get("best_loss")
        self.stopped_early: bool = progress.get("stopped_early", False)
        self.devices: list[int] = progress.get("devices", [1] if progress else [])
        if self.devices[-1:] != [devices_in_use()]:
            self.devices = [*self.devices, devices_in_use()]
        self._higher_is_better = metric_named(objective, plan.best_metric).higher_is_better
        self._patience = Patience(
            plan.early_stopping_patience,
            plan.early_stopping_threshold,
            self._higher_is_better,
            **progress.get("patience", {}),
        )
        measures = [f"val_{metric.name}" for metric in objective.validation_metrics]
        self.log = TrainingLog(log, progress.get("log"), measures, on_disk=is_first())
        self._started = time.monotonic() - progress.get("seconds", 0.0)
        self._batches = self.step * plan.gradient_accumulation_steps
        self._loss_window = _MeanSince()
        self._pending_loss: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds of training, those before an interruption included."""
        return time.monotonic() - self._started

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end."""
        return self.stopped_early or self.step >= self.updates

    def record_evaluation(self, logs: dict[str, Any], loss: float | None = None) -> Row:
        """Write an evaluation to the log, keep the weights if they are the best so far, see to the end."""
        row = self._row(loss) | self._measures(logs)
        value, val_loss = row[f"val_{self.plan.best_metric}"], row["val_loss"]
        assert value is not None
        assert val_loss is not None
        if is_better(value, self.best_value, self._higher_is_better):
            self.best_step, self.best_value, self.best_loss = self.step, float(value), float(val_loss)
            self.model.optimizer.swap_averages()
            if is_first():
                save_best(self.states, self.model)
            self.model.optimizer.swap_averages()
        if self.plan.keep_states_every and self.step % self.plan.keep_states_every == 0:
            self.model.optimizer.swap_averages()
            if is_first():
                keep_weights(self.states, self.step, self.model, self.plan.kept_states_limit)
            self.model.optimizer.swap_averages()
        over = self._patience.is_over(value, counts=self.step > self.patient_until)
        self.stopped_early = over and self.step < self.updates
        self.log.add(row)
        return row

    def on_test_begin(self, logs=None):
        self.model.optimizer.swap_averages()

    def on_test_end(self, logs=None):
        self.model.optimizer.swap_averages()

    def on_epoch_begin(self, epoch, logs=None):
        self._loss_window.restart()

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0 and keras.config.backend() == "torch":
            # PyTorch draws dropout from one global generator, which its data loaders advance as well: how far
            # depends on whether the run was interrupted. From here to the next evaluation it follows from
            # the step only. (On JAX and TensorFlow the seeds are variables of the model, and saved.)
            keras.utils.set_random_seed(
                int(np.random.default_rng((self.plan.seed, self.step)).integers(2**31))
            )

    def on_train_batch_end(self, batch, logs=None):
        self._batches += self.batches_per_call
        self.step, remainder = divmod(self._batches, self.plan.gradient_accumulation_steps)
        if remainder:
            return
        evaluates = self.step % self.plan.eval_steps == 0 or self.step == self.updates
        if evaluates or self.step % self.plan.logging_steps == 0:
            # Read now and then only: on an accelerator, reading the loss waits for the step.
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
        if self.step % self.plan.save_steps == 0 or self.finished:
            self.save()
        if self.finished:
            self.model.stop_training = True

    def save(self) -> None:
        """Save the state of the run at this update."""
        if not is_first():
            return
        progress = {
            "identity": self.identity,
            "best_step": self.best_step,
            "best_value": self.best_value,
            "best_loss": self.best_loss,
            "stopped_early": self.stopped_early,
            "devices": self.devices,
            "patience": self._patience.state(),
            "seconds": self.seconds,
            "log": self.log.rows,
        }
        save_state(self.states, self.step, self.model, progress, keep=self.plan.save_total_limit)

    def _measures(self, logs: dict[str, Any]) -> Row:
        """The values of an evaluation, by the names of the log's columns."""
        # `fit` puts "val_" before what `evaluate` gives.
        keras_names = {metric.name: metric.keras_name for metric in self.objective.validation_metrics}
        prefix = "val_" if f"val_{keras_names['loss']}" in logs else ""
        return {f"val_{name}": float(logs[prefix + key]) for name, key in keras_names.items()}

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
