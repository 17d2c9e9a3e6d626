"""How far an evaluation is: a line above that of the present row, or a plain line a minute."""

from rich.progress import BarColumn, Progress, TextColumn

from kser.console import is_live
from kser.experiment.study.events import TestSetStarted
from kser.time_left import ProgressLines, TimeLeft
from kser.training.console_progress import LiveLines

_TITLE, _UNIT = "evaluation", "models on test sets"


class EvaluationProgress:
    """Counts the rows of an evaluation and shows how long the rest takes.

    Args:
        lines: where the line is shown; an evaluation of a single row has none.

    Attributes:
        prefix: to put before the result of the present row, such as "[3/110] ".
    """

    def __init__(self, lines: LiveLines):
        self.lines = lines
        self.prefix = ""
        self._bar: Progress | None = None
        self._said: ProgressLines | None = None

    def begin(self, event: TestSetStarted) -> None:
        """The next row begins."""
        if event.number == 1:
            self._start(event.of_rows)
        self.prefix = f"[{event.number}/{event.of_rows}] " if event.of_rows > 1 else ""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=event.number - 1, row=event.run)
        if self._said is not None:
            self._said(event.number - 1, event.of_rows)

    def stop(self) -> None:
        """Take the line away."""
        if self._bar is not None:
            self.lines.remove(self._bar)
        self._bar = self._said = None

    def _start(self, rows: int) -> None:
        self.stop()
        if rows == 1:
            return
        if not is_live(self.lines.console):
            self._said = ProgressLines(self.lines.console, _TITLE, _UNIT, announces=False)
            return
        count = TextColumn(f"{_TITLE}: {{task.completed}} of {{task.total}} {_UNIT} done")
        columns = (count, BarColumn(bar_width=16), TimeLeft(), TextColumn("{task.fields[row]}", markup=False))
        self._bar = Progress(*columns, console=self.lines.console)
        self._bar.add_task(_TITLE, total=rows, row="")
        self.lines.add(self._bar)
