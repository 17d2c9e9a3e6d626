"""A bar for long work: live on a terminal, elsewhere plain lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Column
from rich.text import Text

from kser.console import is_live
from kser.time_left import ProgressLines, TimeLeft


@contextmanager
def progress_bar(
    console: Console | None, title: str, total: float, unit: str
) -> Iterator[Callable[[float], None]]:
    """Show how far something is, and how long the rest takes.

    Args:
        console: where; `None` shows nothing, and neither does a quiet one.
        title: what is being done.
        total: how much there is to do, in `unit`.
        unit: "files", say; "bytes" are shown as a download is, with the speed, and "%" as the share of one
            thing that is soon done: no line of it stays.

    Yields:
        A function that takes how much of `total` is done, from any thread.
    """
    with bar_of_reports(console, title, unit) as report:
        report(0, total)
        yield lambda done: report(done, total)


@contextmanager
def bar_of_reports(
    console: Console | None, title: str, unit: str
) -> Iterator[Callable[[float, float], None]]:
    """As `progress_bar`, where how much there is to do is known with the first report; it ends with the last.

    Args:
        console, title, unit: see `progress_bar`.

    Yields:
        A function that takes how much is done, and of how much.
    """
    if console is None or console.quiet:
        yield lambda done, total: None
    elif is_live(console):
        progress = _live(console, unit)
        task = progress.add_task(title, total=None)

        def show(done: float, total: float) -> None:
            progress.update(task, completed=done, total=total)
            if done < total:
                progress.start()
            else:
                progress.stop()

        try:
            yield show
        finally:
            progress.stop()
    else:
        yield ProgressLines(console, title, unit)


class _Title(ProgressColumn):
    """What is being done; where a terminal is too narrow it is this that is cut."""

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


def _live(console: Console, unit: str) -> Progress:
    measured: list[ProgressColumn] = [
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn(unit),
    ]
    if unit == "bytes":
        measured = [DownloadColumn(), TransferSpeedColumn()]
    elif unit == "%":
        measured = [TaskProgressColumn()]
    columns = [_Title(), BarColumn(bar_width=24), *measured, TimeLeft()]
    return Progress(*columns, console=console, transient=unit == "%")
