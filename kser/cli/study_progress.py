"""How far a study is: a line above that of the present run, or a plain line after each run."""

import time
from collections.abc import Sequence
from statistics import mean

from rich.progress_bar import ProgressBar
from rich.table import Table

from kser.console import print_line
from kser.experiment.runs.planning import Run
from kser.training.console_progress import LiveLines
from kser.words import duration_in_words


class StudyProgress:
    """Counts the runs of a study and estimates how long the rest takes.

    The estimate takes a run of a model for as long as those of that model took in the mean, and that of a
    model of which none is trained yet for as long as the others. The first run of a model compiles, and
    computes what later ones share, such as a frozen backbone: it counts only until there is a second. What
    is left is shared by as many as have been under way at once.

    Args:
        runs: all of the study, in the order in which they are done.
        lines: where the line is shown; a study of a single run has none.
    """

    def __init__(self, runs: Sequence[Run], lines: LiveLines):
        self.runs = runs
        self.lines = lines
        self.done = 0
        self.failed = 0
        self._seconds: dict[str, list[float]] = {}
        self._started: dict[str, float] = {}
        self._ended: set[str] = set()
        self._at_once = 1
        if len(runs) > 1:
            lines.add(self)

    def stop(self) -> None:
        """Take the line away."""
        self.lines.remove(self)

    def start_run(self, title: str) -> None:
        """A run starts; others may be under way."""
        self._started[title] = time.monotonic()
        self._at_once = max(self._at_once, len(self._started))

    def end_run(self, run: Run, trained: bool, failed: bool = False) -> None:
        """The run has ended.

        Args:
            run: which.
            trained: whether it was trained from its first update, so that it says how long others take.
            failed: whether it will have to be tried again.
        """
        self.done += 1
        self.failed += failed
        self._ended.add(run.title)
        started = self._started.pop(run.title, time.monotonic())
        if trained:
            self._seconds.setdefault(run.model.name, []).append(time.monotonic() - started)
        if trained and not self.lines.console.is_terminal and len(self.runs) > 1:
            print_line(self.lines.console, str(self))

    def seconds_left(self) -> float | None:
        """About how long the rest takes; `None` before the first run is trained."""
        if not self._seconds:
            return None
        later = {model: seconds[1:] or seconds for model, seconds in self._seconds.items()}
        means = {model: mean(seconds) for model, seconds in later.items()}
        mean_of_all = mean(seconds for of_model in later.values() for seconds in of_model)
        now = time.monotonic()
        left = [
            max(means.get(run.model.name, mean_of_all) - (now - self._started.get(run.title, now)), 0.0)
            for run in self.runs
            if run.title not in self._ended
        ]
        return max([sum(left) / self._at_once, *left])

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        left = self.seconds_left()
        about = "about" if any(len(seconds) > 1 for seconds in self._seconds.values()) else "at most about"
        time_left = f", {about} {duration_in_words(left)} left" if left else ""
        return f"study: {self.done} of {len(self.runs)} runs done{failed}{time_left}"

    def __rich__(self) -> Table:
        line = Table.grid(padding=(0, 1))
        line.add_row(str(self), ProgressBar(total=len(self.runs), completed=self.done, width=16))
        return line
