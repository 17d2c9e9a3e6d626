"""What the commands share: options in both spellings, and the console."""

from typing import Any

import typer


def option(name: str, help: str) -> Any:
    """An option in the documented spelling, `--eval_path`, and with dashes, `--eval-path`.

    Args:
        name: of the parameter, with underscores.
        help: one sentence.
    """
    spellings = dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"])
    return typer.Option(*spellings, help=help)


def console() -> Any:
    """A console of rich, imported only when a command runs."""
    from rich.console import Console

    return Console()
