"""`kser configs`: the experiments that come with kser."""

from pathlib import Path
from typing import Annotated

import typer

from kser.cli.options import option
from kser.cli.terminal import console
from kser.console import aligned, print_line

app = typer.Typer(
    help="List the experiments that come with kser, and copy one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Force = Annotated[bool, option("force", "Replace existing files.")]


@app.command("list")
def list_configs() -> None:
    """List the experiments that come with kser."""
    from kser.experiment.config.shipped_configs import shipped_experiments

    rows = [("name", "models", "experiment")] + [
        (experiment.name, str(len(experiment.models)), experiment.description)
        for experiment in shipped_experiments().values()
    ]
    shown_on = console()
    for number, line in enumerate(aligned(rows, texts=3)):
        print_line(shown_on, line, style="" if number else "bold")


@app.command("copy")
def copy_config(
    name: Annotated[str, typer.Argument(help="Name of the experiment, see `kser configs list`.")],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="Folder for the files.")],
    force: Force = False,
) -> None:
    """Copy an experiment and its models into a folder."""
    from kser.experiment.config.shipped_configs import copy_experiment

    shown_on = console()
    written = copy_experiment(name, destination, force)
    for path in written:
        print_line(shown_on, f"{path}: written")
    print_line(shown_on, f"next: kser check {written[0]}")
