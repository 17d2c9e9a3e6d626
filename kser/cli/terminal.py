"""What commands write on a terminal, and how much of it: results, progress, what needs attention, errors."""

import inspect
import os
import platform
import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

import kser
from kser.cli.options import option
from kser.errors import UserError
from kser.words import printable

_LIBRARIES = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}
Quiet = Annotated[bool, option("quiet", "Show results and warnings only.")]
Verbose = Annotated[
    bool, option("verbose", "Show versions, the log of libraries, and the traceback of errors.")
]
_chosen = {"quiet": False, "verbose": False}


def long_command(command: Callable[..., None]) -> Callable[..., None]:
    """A command that tells what it does, with options to ask it for less of that or for more."""

    @wraps(command)
    def run(*, quiet: bool, verbose: bool, **given: Any) -> None:
        _chosen.update(quiet=quiet, verbose=verbose and not quiet)
        if quiet and verbose:
            raise UserError("give --quiet or --verbose, not both")
        if verbose:
            _start_log()
        command(**given)

    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in {"quiet": Quiet, "verbose": Verbose}.items()
    ]
    signature = inspect.signature(command)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])  # type: ignore[attr-defined]
    run.__annotations__ = command.__annotations__ | {"quiet": Quiet, "verbose": Verbose}
    return run


def is_verbose() -> bool:
    """Whether the command was asked for more."""
    return _chosen["verbose"]


def console() -> Any:
    """Standard output as a console of rich, which is imported only when a command runs.

    With --quiet it shows only what is printed within `kser.console.loud`.
    """
    from rich.console import Console

    return Console(quiet=_chosen["quiet"])


def progress_console() -> Any:
    """Standard error, for the progress of commands whose output other programs read."""
    from rich.console import Console

    return Console(stderr=True, quiet=_chosen["quiet"])


def warn(line: str) -> None:
    """Print what needs attention on standard error, after the name of the program."""
    _tell(line, "yellow")


def complain(line: str) -> None:
    """Print what is wrong on standard error, after the name of the program."""
    _tell(line, "red")


def _tell(line: str, colour: str) -> None:
    from rich.console import Console

    from kser.console import print_line

    print_line(Console(stderr=True), printable(f"kser: {line}"), style=colour)


def _start_log() -> None:
    """Let the libraries log, beginning with what runs here."""
    import logging
    from importlib.metadata import PackageNotFoundError, version

    from kser.startup import default_backend

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    default_backend()
    backend = os.environ["KERAS_BACKEND"]
    versions = [f"kser {kser.__version__}"]
    for package, name in {"keras": "Keras", backend: _LIBRARIES.get(backend, backend)}.items():
        try:
            versions.append(f"{name} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed")
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    typer.echo(", ".join([*versions, f"Python {platform.python_version()}", system]), err=True)
