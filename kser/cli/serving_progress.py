"""What is shown while a server makes itself ready: loading, and the programs that it compiles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kser.cli.terminal import console
from kser.console import is_live, print_note


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Says on a terminal that a model is being loaded, as long as it is."""
    shown_on = console()
    if not is_live(shown_on):
        yield
        return
    from rich.markup import escape

    with shown_on.status(escape(f"loading {model} …")):
        yield


@contextmanager
def compiling(when_ready: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of the programs that are compiled, and a line when all are."""
    from kser.progress_bar import bar_of_reports

    shown_on = console()
    with bar_of_reports(shown_on, "compiling", "programs") as show:

        def progress(compiled: int, to_compile: int) -> None:
            show(compiled, to_compile)
            if compiled == to_compile:
                print_note(shown_on, when_ready, style="")

        yield progress
