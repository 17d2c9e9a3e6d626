"""Progress of a run: live lines on a terminal, elsewhere a plain line for each evaluation."""

from collections.abc import Iterable

import keras
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from kser.errors import UserError
from kser.pipeline.reading import Progress as ReadingProgress
from kser.training.recorder import Recorder
from kser.training.training_log import Row


class LiveLines:
    """Lines at the foot of a terminal, one below the other; none where the output is no terminal.

    A terminal has one such place, so that all who show something there share it.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console):
        self.console = console
        self._lines: list[RenderableType] = []
        self._live: Live | None = None

    def add(self, line: RenderableType) -> None:
        """Show a further line; it is rendered anew a few times a second."""
        if self.console.is_terminal:
            self._lines.append(line)
            self._refresh()

    def remove(self, line: RenderableType) -> None:
        """Take a line away, if it is there."""
        if line in self._lines:
            self._lines.remove(line)
            self._refresh()

    def _refresh(self) -> None:
        if not self._lines:
            if self._live is not None:
                self._live.stop()
                self._live = None
            return
        shown = Group(*self._lines)
        if self._live is None:
            self._live = Live(shown, console=self.console, transient=True)
            self._live.start()
        else:
            self._live.update(shown, refresh=True)


class ProgressDisplay(keras.callbacks.Callback):
    """Shows update, losses, a validation metric, utterances a second and the time left.

    Args:
        title: what the run is called.
        lines: where to write.
        metric: the validation metric to show, a column of the log without `val_`.

    Attributes:
        continued: whether updates were made before, by an earlier start.
    """

    recorder: Recorder  # given by `kser.training.fit.train`

    def __init__(self, title: str, lines: LiveLines, metric: str):
        super().__init__()
        self.title = title
        self.lines = lines
        self.console = lines.console
        self.metric = metric
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._utterances = 0
        self._started_s = 0.0
        self.continued = True  # a run of which the last update was made before has no training to begin

    def on_train_begin(self, logs=None):
        self._utterances, self._started_s = 0, self.recorder.seconds
        self.continued = self.recorder.step > 0
        self.console.print(f"{self.title}: {self.recorder.data}", soft_wrap=True, highlight=False)
        if self.recorder.step:
            self.console.print(f"{self.title}: continues at update {self.recorder.step}", soft_wrap=True)
        if not self.console.is_terminal:
            self._print_row(self.recorder.log.rows[-1])
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._task = self._progress.add_task(
            self.title, total=self.recorder.updates, completed=self.recorder.step, measures=self._measures()
        )
        self.lines.add(self._progress)

    def on_train_batch_end(self, batch, logs=None):
        self._utterances += self.recorder.plan.batch_size
        if self._progress is not None:
            self._progress.update(self._task, completed=self.recorder.step, measures=self._measures())

    def on_epoch_end(self, epoch, logs=None):
        if self._progress is None:
            self._print_row(self.recorder.log.rows[-1])

    def on_train_end(self, logs=None):
        self.stop()

    def stop(self) -> None:
        """Take the live line away; also called when training ends by an error."""
        if self._progress is not None:
            self.lines.remove(self._progress)
            self._progress = None

    def result(self) -> str:
        """In a line what came of the run, once it is trained."""
        recorder = self.recorder
        best = next(row for row in recorder.log.rows if row["step"] == recorder.best_step and _evaluated(row))
        end = f", stopped early at update {recorder.step}" if recorder.stopped_early else ""
        return (
            f"best at update {recorder.best_step} of {recorder.updates}{end}, {self._validation(best)}, "
            f"{recorder.seconds:.0f} s"
        )

    def _measures(self) -> str:
        """Epoch and update, the newest losses and the speed."""
        recorder = self.recorder
        plan = recorder.plan
        epoch = recorder.step * plan.gradient_accumulation_steps / recorder.batches_per_epoch
        parts = [
            f"epoch {min(epoch, plan.epochs):.1f}/{plan.epochs}, update {recorder.step}/{recorder.updates}"
        ]
        rows = recorder.log.rows
        loss = next((row["loss"] for row in reversed(rows) if row.get("loss") is not None), None)
        if loss is not None:
            parts.append(f"loss {loss:.3f}")
        evaluated = next((row for row in reversed(rows) if _evaluated(row)), None)
        if evaluated is not None:
            parts.append(self._validation(evaluated))
        if self._utterances:
            rate = self._utterances / max(recorder.seconds - self._started_s, 1e-9)
            parts.append(f"{rate:.0f} utt/s")
        return " · ".join(parts)

    def _validation(self, row: Row) -> str:
        metric = row.get(f"val_{self.metric}")
        shown = "" if metric is None else f" val {self.metric} {metric:.4f}"
        return f"val loss {row['val_loss']:.4f}{shown}"

    def _print_row(self, row: Row) -> None:
        loss = "" if row.get("loss") is None else f"loss {row['loss']:.4f}  "
        self.console.print(
            f"{self.title}: update {row['step']}/{self.recorder.updates}  {loss}"
            f"{self._validation(row)}  {row['seconds']:.0f} s",
            soft_wrap=True,
            highlight=False,
        )


def reading_progress(lines: LiveLines, title: str) -> ReadingProgress:
    """Shows how far the reading of a part's audio is, on a terminal, and goes when it is done."""

    def shown(lengths: Iterable[int | UserError], total: int) -> Iterable[int | UserError]:
        bars = Progress(console=lines.console)
        lines.add(bars)
        try:
            yield from bars.track(lengths, description=f"{title}: reading audio", total=total)
        finally:
            lines.remove(bars)

    return shown


def _evaluated(row: Row) -> bool:
    return row.get("val_loss") is not None
