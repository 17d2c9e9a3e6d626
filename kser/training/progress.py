"""Progress of a run: a live line on a terminal, elsewhere a plain line for each evaluation."""

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from kser.training.recorder import Recorder
from kser.training.training_log import Row


class ProgressDisplay(keras.callbacks.Callback):
    """Shows update, losses, a validation metric, utterances a second and the time left.

    Args:
        title: what the run is called.
        console: where to write.
        metric: the validation metric to show, a column of the log without `val_`.
    """

    recorder: Recorder  # given by `kser.training.fit.train`

    def __init__(self, title: str, console: Console, metric: str):
        super().__init__()
        self.title = title
        self.console = console
        self.metric = metric
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._utterances = 0
        self._started_s = 0.0

    def on_train_begin(self, logs=None):
        self._utterances, self._started_s = 0, self.recorder.seconds
        self.console.print(f"{self.title}: {self.recorder.data}", soft_wrap=True, highlight=False)
        if self.recorder.step:
            self.console.print(f"{self.title}: continues at update {self.recorder.step}", soft_wrap=True)
        if not self.console.is_terminal:
            self._print_row(self.recorder.log.rows[-1])
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f} updates"),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._task = self._progress.add_task(
            self.title, total=self.recorder.updates, completed=self.recorder.step, measures=self._measures()
        )
        self._progress.start()

    def on_train_batch_end(self, batch, logs=None):
        self._utterances += self.recorder.plan.batch_size
        if self._progress is not None:
            self._progress.update(self._task, completed=self.recorder.step)

    def on_epoch_end(self, epoch, logs=None):
        if self._progress is not None:
            self._progress.update(self._task, measures=self._measures())
        else:
            self._print_row(self.recorder.log.rows[-1])

    def on_train_end(self, logs=None):
        self.stop()

    def stop(self) -> None:
        """Take the live line away; also called when training ends by an error."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _measures(self) -> str:
        row: Row = {}
        for logged in self.recorder.log.rows:
            row |= {name: value for name, value in logged.items() if value is not None}
        parts = []
        if "loss" in row:
            parts.append(f"loss {row['loss']:.3f}")
        if "val_loss" in row:
            parts.append(f"val loss {row['val_loss']:.3f} {self.metric} {row[f'val_{self.metric}']:.3f}")
        if self._utterances:
            rate = self._utterances / max(self.recorder.seconds - self._started_s, 1e-9)
            parts.append(f"{rate:.0f} utt/s")
        return " · ".join(parts)

    def _print_row(self, row: Row) -> None:
        loss = "" if row.get("loss") is None else f"loss {row['loss']:.4f}  "
        self.console.print(
            f"{self.title}: update {row['step']}/{self.recorder.updates}  {loss}"
            f"val loss {row['val_loss']:.4f}  val {self.metric} {row[f'val_{self.metric}']:.4f}  "
            f"{row['seconds']:.0f} s",
            soft_wrap=True,
            highlight=False,
        )
