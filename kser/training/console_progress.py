"""Shows progress on a console: live lines on a terminal, elsewhere a plain line for each evaluation."""

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
)

from kser.console import is_live
from kser.time_left import Pace, ProgressLines, TimeLeft
from kser.training.events import (
    AudioRead,
    BatchTrained,
    Evaluated,
    Event,
    Message,
    TrainingEnded,
    TrainingEvent,
    TrainingStarted,
    Working,
)
from kser.words import duration_in_words


class LiveLines:
    """Lines at the foot of a terminal, one below the other; none elsewhere, or on a quiet one.

    A terminal has one such place, so all that show something share it.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console):
        self.console = console
        self._lines: list[RenderableType] = []
        self._live: Live | None = None

    def add(self, line: RenderableType) -> None:
        """Show a further line; it is rendered anew a few times a second."""
        if is_live(self.console):
            self._lines.append(line)
            self._refresh()

    def remove(self, line: RenderableType) -> None:
        """Take a line away; one that is not shown is ignored."""
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


class ConsoleProgress:
    """A `ProgressListener` that shows the events of a run, and those of the trials of its search.

    Args:
        lines: where to write.
        metric: the validation metric to show beside the loss, or `None` to show the loss only.
        prefix: put before the run's title, e.g. "[1/4] ".

    Attributes:
        ended: the last `TrainingEnded`.
        trained_from_the_start: whether the last training began at its first update in this process.
    """

    def __init__(self, lines: LiveLines, metric: str | None = None, prefix: str = ""):
        self.lines = lines
        self.console = lines.console
        self.metric = metric
        self.prefix = prefix
        self.ended: TrainingEnded | None = None
        self.trained_from_the_start = False
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._read: AudioRead | None = None
        self._said: ProgressLines | None = None
        self._pace = Pace()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Message():
                self._print(event, event.text)
            case Working():
                self._show_bar(event, None, TextColumn(event.what, markup=False), BarColumn(bar_width=16))
            case AudioRead():
                self._show_reading(event)
            case TrainingStarted():
                self._start(event)
            case BatchTrained():
                self._pace.report(event.step)
                self._advance(event.step, measures=self._measures(event))
            case Evaluated():
                self._print_evaluation(event)
            case TrainingEnded():
                self.ended = event
                self.stop()

    def stop(self) -> None:
        """Take the live line away; also to be called when a run ends by an error."""
        if self._bar is not None:
            self.lines.remove(self._bar)
            self._bar = None

    def result(self) -> str:
        """The result of the run in a line; empty for one that no updates have led to."""
        ended = self.ended
        if ended is None:
            return ""
        early = f", stopped early at update {ended.step}" if ended.stopped_early else ""
        return (
            f"best at update {ended.best_step} of {ended.updates}{early}, "
            f"{self._validation(ended.best_validation)}, {ended.seconds:.0f} s"
        )

    def _start(self, event: TrainingStarted) -> None:
        self.trained_from_the_start = event.step == 0
        self._pace = Pace()
        self._print(event, event.description)
        if event.step:
            self._print(event, f"continues at update {event.step}")
        self._print_evaluation(event)
        self._show_bar(
            event,
            event.updates,
            BarColumn(bar_width=16),
            TextColumn("{task.fields[measures]}", markup=False),
            TimeLeft(),
        )
        self._advance(event.step, measures=self._measures(event))

    def _show_reading(self, event: AudioRead) -> None:
        if self._is_new(event):
            text = TextColumn(event.what, markup=False)
            self._show_bar(event, event.total, text, BarColumn(), TaskProgressColumn(), TimeLeft())
            title = f"{self.prefix}{event.run}: {event.what}"
            self._said = ProgressLines(self.console, title, "files", announces=False)
        self._read = event
        self._advance(event.done)
        if self._said is not None and not self.console.is_terminal:
            self._said(event.done, event.total)
        if event.done == event.total:
            self.stop()

    def _is_new(self, event: AudioRead) -> bool:
        """Whether an event is the first one of a part of the data, or of what is done to it."""
        last = self._read
        return last is None or event.done <= last.done or (event.run, event.what) != (last.run, last.what)

    def _show_bar(self, event: Event, total: int | None, *columns: ProgressColumn) -> None:
        """Begin a live line in place of the last one."""
        self.stop()
        if is_live(self.console):
            title = TextColumn("{task.description}:", markup=False)
            self._bar = Progress(title, *columns, console=self.console)
            self._task = self._bar.add_task(f"{self.prefix}{event.run}", total=total, measures="")
            self.lines.add(self._bar)

    def _advance(self, done: int, measures: str = "") -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done, measures=measures)

    def _measures(self, event: TrainingEvent) -> str:
        """Epoch and update, the newest losses and the speed."""
        parts = [f"epoch {event.epoch:.1f}/{event.epochs}, update {event.step}/{event.updates}"]
        if event.loss is not None:
            parts.append(f"loss {event.loss:.3f}")
        if event.validation:
            parts.append(self._validation(event.validation))
        if event.utterances_per_s is not None:
            parts.append(f"{event.utterances_per_s:.0f} utt/s")
        return " · ".join(parts)

    def _validation(self, values: Mapping[str, float]) -> str:
        value = None if self.metric is None else values.get(self.metric)
        shown = "" if value is None else f" val {self.metric} {value:.4f}"
        return f"val loss {values['loss']:.4f}{shown}"

    def _print_evaluation(self, event: TrainingEvent) -> None:
        """Print an evaluation as a plain line, unless a live line shows it."""
        if not self.console.is_terminal:
            loss = "" if event.loss is None else f"loss {event.loss:.4f}  "
            validation = self._validation(event.validation)
            left_s = self._pace.seconds_left(event.updates)
            left = f", about {duration_in_words(left_s)} left" if left_s else ""
            self._print(
                event,
                f"update {event.step}/{event.updates}  {loss}{validation}  {event.seconds:.0f} s{left}",
            )

    def _print(self, event: Event, text: str) -> None:
        self.console.print(f"{self.prefix}{event.run}: {text}", soft_wrap=True, highlight=False, markup=False)
