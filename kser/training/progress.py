"""The callback that reports a training run as `kser.training.events`."""

from collections.abc import Mapping
from typing import Any

import keras

from kser.training.events import (
    BatchTrained,
    Evaluated,
    ProgressListener,
    TrainingEnded,
    TrainingStarted,
)
from kser.training.recorder import Recorder
from kser.training.training_log import Row


class ProgressReporter(keras.callbacks.Callback):
    """Reports the start of a run, its batches, evaluations and end.

    Args:
        run: title of the run.
        listener: gets the events.
        recorder: of the run.
    """

    def __init__(self, run: str, listener: ProgressListener, recorder: Recorder):
        super().__init__()
        self.run = run
        self.listener = listener
        self.recorder = recorder
        self._utterances = 0
        self._started_s = recorder.seconds

    def on_train_begin(self, logs=None):
        self._started_s = self.recorder.seconds
        self.listener(TrainingStarted(**self._position(), description=self.recorder.description))

    def on_train_batch_end(self, batch, logs=None):
        self._utterances += self.recorder.plan.batch_size * self.recorder.batches_per_call
        self.listener(BatchTrained(**self._position()))

    def on_epoch_end(self, epoch, logs=None):
        self.listener(Evaluated(**self._position()))

    def report_end(self) -> None:
        """Report that the run has ended, also one whose last update an earlier process made."""
        recorder = self.recorder
        assert recorder.best_step is not None
        best = next(
            row for row in recorder.log.rows if row["step"] == recorder.best_step and _evaluation(row)
        )
        self.listener(
            TrainingEnded(
                **self._position(),
                best_step=recorder.best_step,
                best_validation=_evaluation(best),
                stopped_early=recorder.stopped_early,
            )
        )

    def _position(self) -> dict[str, Any]:
        """The fields of every `TrainingEvent`."""
        recorder, plan = self.recorder, self.recorder.plan
        newest_first = recorder.log.rows[::-1]
        epoch = recorder.step * plan.gradient_accumulation_steps / recorder.batches_per_epoch
        seconds = max(recorder.seconds - self._started_s, 1e-9)
        return {
            "run": self.run,
            "step": recorder.step,
            "updates": recorder.updates,
            "epoch": min(epoch, plan.epochs),
            "epochs": plan.epochs,
            "loss": next((row["loss"] for row in newest_first if row.get("loss") is not None), None),
            "validation": next(filter(None, map(_evaluation, newest_first)), {}),
            "utterances_per_s": self._utterances / seconds if self._utterances else None,
            "seconds": recorder.seconds,
        }


def _evaluation(row: Row) -> Mapping[str, float]:
    """The values of an evaluation by metric; empty for a row with the training loss only."""
    return {
        name.removeprefix("val_"): value
        for name, value in row.items()
        if name.startswith("val_") and value is not None
    }
