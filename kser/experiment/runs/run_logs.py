"""Callbacks that hand the rows of a run's log on to other programs: TensorBoard and MLflow."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kser.evaluation.curve_files import EVENT_FILES
from kser.experiment.runs.mlflow_log import MlflowRun
from kser.experiment.runs.planning import Run
from kser.training.recorder import Recorder
from kser.training.training_log import Row

EVENTS_FOLDER = "events"
MLFLOW_FILE = "mlflow.json"


class RowFollower(keras.callbacks.Callback):
    """Hands on each row of the log soon after it was written; base of the callbacks here."""

    recorder: Recorder  # given by `kser.training.fit.train`

    def __init__(self) -> None:
        super().__init__()
        self._handed_on = 0

    def begin(self, rows: Sequence[Row]) -> None:
        """Called when training begins, or goes on, with the rows so far."""
        raise NotImplementedError

    def hand_on(self, rows: Sequence[Row]) -> None:
        """Called with each further row, or a few of them."""
        raise NotImplementedError

    def end(self, status: str) -> None:
        """Called when the run has ended: "FINISHED", "FAILED" or "KILLED"."""
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        rows = self.recorder.log.rows
        self.begin(rows)
        self._handed_on = len(rows)

    def on_train_batch_end(self, batch, logs=None):
        self._follow()

    def on_epoch_end(self, epoch, logs=None):
        self._follow()

    def _follow(self) -> None:
        if rows := self.recorder.log.rows[self._handed_on :]:
            self.hand_on(rows)
            self._handed_on += len(rows)


class TensorBoardLog(RowFollower):
    """Writes `events/events.out.tfevents.*` beside the log, under the tags of the Hugging Face Trainer.

    A run that continues begins its file anew with the rows so far, so that it holds each update once. Its
    clock is that of training: pauses between two starts do not show.

    Args:
        run: what is trained.
    """

    def __init__(self, run: Run):
        super().__init__()
        self.folder = run.paths.work / EVENTS_FOLDER
        self._writer: Any = None
        self._begun_s = 0.0

    def begin(self, rows: Sequence[Row]) -> None:
        # Here only: it imports PyTorch where that is installed. Of its writers, this one has no thread and no
        # queue, so that a row is in the file as soon as `flush` returns.
        from tensorboardX.event_file_writer import EventsWriter

        for outdated in self.folder.glob(EVENT_FILES):
            outdated.unlink()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._begun_s = time.time() - self.recorder.seconds
        self._writer = EventsWriter(str(self.folder / "events"), f".{os.getpid()}")
        self.hand_on(rows)

    def hand_on(self, rows: Sequence[Row]) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        for row in rows:
            step, seconds = row["step"], row["seconds"]
            assert seconds is not None
            values = [
                Summary.Value(tag=_tag(name), simple_value=value) for name, value in measures_of(row).items()
            ]
            self._writer.write_event(
                Event(wall_time=self._begun_s + seconds, step=step, summary=Summary(value=values))
            )
        self._writer.flush()

    def end(self, status: str) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class MlflowLog(RowFollower):
    """Logs the run to MLflow; a run that continues goes on in the same MLflow run.

    Args:
        run: what is trained.
        uri: of the tracking server or database.
    """

    def __init__(self, run: Run, uri: str):
        super().__init__()
        self.run = run
        self.mlflow_run = MlflowRun(uri, run.paths.work / MLFLOW_FILE)

    def begin(self, rows: Sequence[Row]) -> None:
        run = self.run
        parameters = {
            **run.model.model_dump(),
            "seed": run.seed,
            "training_dataset": run.config.training_dataset.name,
        }
        tags = {"kser.run_fingerprint": self.recorder.identity, "kser.model": run.model.name}
        self.mlflow_run.begin(run.config.experiment_name, run.title, parameters, tags)
        self.hand_on(rows)

    def hand_on(self, rows: Sequence[Row]) -> None:
        begun_s = time.time() - self.recorder.seconds
        for number, row in enumerate(rows, start=self._handed_on):
            step, seconds = row["step"], row["seconds"]
            assert isinstance(step, int)
            assert seconds is not None
            self.mlflow_run.log(number, step, begun_s + seconds, measures_of(row))

    def end(self, status: str) -> None:
        self.mlflow_run.end(status)


def measures_of(row: Row) -> Mapping[str, float]:
    """What a row of the log measured: its columns but for update and time, where they have a value."""
    return {
        name: float(value)
        for name, value in row.items()
        if name not in ("step", "seconds") and value is not None
    }


def _tag(column: str) -> str:
    """The Trainer's name of a column of the log: `val_uar` is eval/uar, `loss` is train/loss."""
    return f"eval/{column.removeprefix('val_')}" if column.startswith("val_") else f"train/{column}"


def run_logs(run: Run) -> list[RowFollower]:
    """The logs that an experiment asks for besides log.csv.

    Raises:
        UserError: MLflow is asked for and not installed.
    """
    logs: list[RowFollower] = [TensorBoardLog(run)] if run.config.tensorboard else []
    if run.config.mlflow is not None:
        logs.append(MlflowLog(run, run.config.mlflow))
    return logs
