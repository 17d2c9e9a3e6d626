"""How long the rest of something takes, from how long it took so far: for bars, and for plain lines."""

import threading
import time

from rich.console import Console
from rich.progress import ProgressColumn, Task, TaskID
from rich.table import Column
from rich.text import Text

from kser.console import print_line
from kser.words import duration_in_words

_TOGETHER_S = 2.0
_LINE_EVERY_S = 60.0


class Pace:
    """Estimates how long the rest of something takes, from reports of how much is done.

    What came before the first report, such as loading and compiling, does not count. What is computed
    together is often reported at once, and then nothing for long: reports within two seconds count as one.

    Attributes:
        done: what was reported last; 0 before.
    """

    def __init__(self) -> None:
        self.done = 0.0
        self._began_s: float | None = None  # of the newest reports that count as one
        self._newest_s = 0.0
        self._first: tuple[float, float] | None = None  # when how much was done
        self._last = (0.0, 0.0)

    def report(self, done: float) -> None:
        """So much is done; what was reported before is not news."""
        if done == self.done:
            return
        now_s = time.monotonic()
        self._settle(now_s)
        if self._began_s is None:
            self._began_s = now_s
        self._newest_s, self.done = now_s, done

    def seconds_left(self, total: float) -> float | None:
        """How long the rest takes; `None` where that is not known, or it takes longer than it should.

        Args:
            total: how much there is to do.
        """
        now_s = time.monotonic()
        self._settle(now_s)
        if self.done >= total:
            return 0.0
        if self._first is None or self._last[1] <= self._first[1]:
            return None
        (first_s, first), (last_s, last) = self._first, self._last
        left_s = last_s + (last_s - first_s) * (total - last) / (last - first) - now_s
        return left_s if left_s > 0 else None

    def _settle(self, now_s: float) -> None:
        """Count the newest reports as one that is over, where they are."""
        if self._began_s is not None and now_s - self._began_s > _TOGETHER_S:
            self._last = (self._newest_s, self.done)
            self._first = self._first or self._last
            self._began_s = None


class TimeLeft(ProgressColumn):
    """A column of a bar of rich: how long the rest takes, as `Pace` estimates it; empty before it can."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))
        self._paces: dict[TaskID, Pace] = {}

    def render(self, task: Task) -> Text:
        """The time left of a task."""
        pace = self._paces.setdefault(task.id, Pace())
        pace.report(task.completed)
        left_s = None if task.total is None else pace.seconds_left(task.total)
        return Text(f"{duration_in_words(left_s)} left" if left_s else "", style="progress.remaining")


class ProgressLines:
    """Says how far something is where no bar can be shown: in a plain line, once a minute at most.

    Args:
        console: where; a quiet one shows nothing.
        title: what is being done.
        unit: in which it is counted: for "bytes" millions of them are shown, for "%" the share of the total.
        announces: whether a first line says how much there is to do; of a share none does.
    """

    def __init__(self, console: Console, title: str, unit: str, announces: bool = True):
        self.console = console
        self.title = title
        self.unit = unit
        self._is_announced = unit == "%" or not announces
        self._pace = Pace()
        self._said_s = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, done: float, total: float) -> None:
        """So much of a total is done; may be called from any thread."""
        with self._lock:
            if not self._is_announced:
                self._is_announced = True
                print_line(self.console, f"{self.title}: {self._amount(total)}")
            self._pace.report(done)
            now_s = time.monotonic()
            if now_s - self._said_s < _LINE_EVERY_S or done >= total:
                return
            self._said_s = now_s
            left_s = self._pace.seconds_left(total)
        about = f", about {duration_in_words(left_s)} left" if left_s else ""
        print_line(self.console, f"{self.title}: {self._so_far(done, total)}{about}")

    def _so_far(self, done: float, total: float) -> str:
        if self.unit == "%":
            return f"{done / total:.0%}"
        return f"{self._number(done)} of {self._amount(total)}"

    def _amount(self, total: float) -> str:
        return f"{self._number(total)} {'MB' if self.unit == 'bytes' else self.unit}"

    def _number(self, amount: float) -> str:
        return f"{amount / 1e6:.1f}" if self.unit == "bytes" else f"{int(amount)}"
