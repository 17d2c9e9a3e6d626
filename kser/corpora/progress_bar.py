"""A bar for long work on a corpus: live on a terminal, one plain line elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from kser.console import print_line


@contextmanager
def progress_bar(
    console: Console | None, title: str, total: int, unit: Literal["bytes", "files", "programs", "jobs"]
) -> Iterator[Callable[[int], None]]:
    """Show how far something is.

    Args:
        console: where; `None` shows nothing.
        title: what is being done.
        total: how much there is to do, in `unit`.
        unit: bytes are shown as a download is, with the speed.

    Yields:
        A function that takes how much of `total` is done, from any thread.
    """
    if console is None or console.quiet:
        yield lambda done: None
        return
    if not console.is_terminal:
        amount = f"{total / 1e6:.1f} MB" if unit == "bytes" else f"{total} {unit}"
        print_line(console, f"{title}: {amount}")
        yield lambda done: None
        return
    measured: list[ProgressColumn] = [MofNCompleteColumn(), TextColumn(unit)]
    if unit == "bytes":
        measured = [DownloadColumn(), TransferSpeedColumn()]
    columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), *measured, TimeRemainingColumn()]
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(escape(title), total=total)
        yield lambda done: progress.update(task, completed=done)
