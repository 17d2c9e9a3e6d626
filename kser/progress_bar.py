"""A bar for long work: live on a terminal, elsewhere plain lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

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
    if console is None or console.quiet:
        yield lambda done: None
        return
    if not is_live(console):
        lines = ProgressLines(console, title, total, unit)
        lines.begin()
        yield lines
        return
    measured: list[ProgressColumn] = [MofNCompleteColumn(), TextColumn(unit)]
    if unit == "bytes":
        measured = [DownloadColumn(), TransferSpeedColumn()]
    elif unit == "%":
        measured = [TaskProgressColumn()]
    columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), *measured, TimeLeft()]
    with Progress(*columns, console=console, transient=unit == "%") as progress:
        task = progress.add_task(escape(title), total=total)
        yield lambda done: progress.update(task, completed=done)
