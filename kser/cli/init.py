"""`kser init`: a first experiment."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kser.cli.configs import Force
from kser.cli.options import option
from kser.cli.terminal import console
from kser.console import print_line
from kser.errors import UserError


def init(
    corpus: Annotated[str | None, option("corpus", "Name of a corpus, see `kser data list`.")] = None,
    data: Annotated[
        Path | None,
        option(
            "data",
            "A metadata CSV, in place of a corpus. Usual names of columns, such as emotion and speaker, are "
            "understood.",
        ),
    ] = None,
    model: Annotated[
        str, option("model", "log_mel, a baseline without download, or a name of `kser convert --list`.")
    ] = "log_mel",
    output: Annotated[Path, option("output", "Folder for the files.")] = Path("experiment"),
    force: Force = False,
) -> None:
    """Write a first experiment, to run or to change.

    Its JSON, that of a model, and a README that explains every field that they set.

    On a terminal, it asks for the corpus where neither --corpus nor --data says it.
    """
    if corpus is not None and data is not None:
        raise UserError("give --corpus or --data, not both")
    if corpus is None and data is None:
        corpus, data = _asked()
    from kser.experiment.config.starter import write_starter

    shown_on = console()
    written = write_starter(output, corpus=corpus, data=data, model=model, force=force)
    for path in written:
        print_line(shown_on, f"{path}: written")
    print_line(shown_on, f"next: kser check {written[0]}")


def _asked() -> tuple[str | None, Path | None]:
    """A corpus or a CSV, as somebody at a terminal answers.

    Raises:
        UserError: nobody is there to answer.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("give --corpus NAME (see kser data list) or --data CSV")
    answer = typer.prompt("Name of a corpus (see kser data list), or a metadata CSV").strip()
    return (None, Path(answer)) if answer.lower().endswith((".csv", ".tsv")) else (answer, None)
