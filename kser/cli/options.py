"""What the commands share: options, and a path that may be given with or without its option."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kser.errors import UserError
from kser.words import as_option


def option(name: str, help: str, metavar: str | None = None) -> Any:
    """An option in its documented spelling, `--eval-path`; underscores work too, see `kser.cli.app`.

    Args:
        name: of the parameter, with underscores.
        help: one sentence.
        metavar: name of the value in the help, where its type is not enough.
    """
    return typer.Option(as_option(name), help=help, metavar=metavar)


BAD_RECORDINGS_STATUS = 1
"""Of a command that passed over files that cannot be used."""

Threshold = Annotated[
    float | None,
    option("threshold", "Probability below which a prediction is not sure (default: the model's own)."),
]
FurtherModels = Annotated[
    list[str] | None, option("also", "A further model for the mean; may be repeated.", metavar="MODEL")
]
ModelOrStudy = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Folder of a trained model, or of a study: all models in it as one, their mean.",
        show_default=False,
    ),
]


def path_argument(metavar: str, help: str) -> Any:
    """A path that may also be given with an option, see `one_path`.

    Args:
        metavar: its name in the help.
        help: one sentence.
    """
    return typer.Argument(metavar=metavar, help=help, show_default=False)


def one_path(argument: Path | None, named: Path | None, option_name: str) -> Path | None:
    """The path that was given, as an argument or with its option; `None` where neither was.

    Raises:
        UserError: both were given.
    """
    if argument is not None and named is not None:
        raise UserError(f"give {argument} or {as_option(option_name)} {named}, not both")
    return named if argument is None else argument


def required_path(argument: Path | None, named: Path | None, option_name: str) -> Path:
    """As `one_path`, of a command that does nothing without it.

    Raises:
        UserError: both were given, or neither.
    """
    path = one_path(argument, named, option_name)
    if path is None:
        raise UserError(f"give a path, with or without {as_option(option_name)} before it")
    return path
