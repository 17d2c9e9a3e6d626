"""The commands. Heavy libraries are imported when a command runs, so that `kser --help` answers at once."""

import sys
from typing import Annotated

import typer

import kser
from kser.cli import (
    analyse,
    audio,
    augment,
    configs,
    convert,
    data,
    demo,
    embed,
    export,
    features,
    graph,
    init,
    predict,
    report,
    serve,
    stats,
    study,
    worker,
)
from kser.errors import UserError, is_of_the_system, system_reason
from kser.words import printable

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130

app = typer.Typer(
    name="kser",
    help="Speech emotion recognition: train, evaluate and compare models from JSON experiments. "
    "KERAS_BACKEND=jax|tensorflow|torch chooses the backend (default: jax).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Rich markup would take brackets in a help text, "kser[torch]", for styles.
    rich_markup_mode=None,
    context_settings={
        "max_content_width": 100,
        # --low-seed is --low_seed
        "token_normalize_func": lambda name: name.replace("-", "_"),
    },
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(kser.__version__)
        raise typer.Exit


@app.callback()
def _options_of_kser(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


app.command("init")(init.init)
app.command("check")(study.check)
app.command("train")(study.train)
app.command("eval")(study.evaluate)
app.command("predict")(predict.predict)
app.command("embed")(embed.embed)
app.command("analyse")(analyse.analyse)
app.command("features")(features.features)
app.command("export")(export.export)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("graph")(graph.graph)
app.command("stats")(stats.stats)
app.command("report")(report.report)
app.add_typer(data.app, name="data")
app.add_typer(configs.app, name="configs")
app.command("augment")(augment.augment)
app.command("normalize")(audio.normalize)
app.command("trim")(audio.trim)
app.command("convert")(convert.convert)
app.command("version")(study.version)
app.command("worker", hidden=True)(worker.worker)


def main() -> None:
    """Run a command; each mistake of the user's is one line, no traceback, and the exit status 2."""
    try:
        app()
    except UserError as error:
        for line in str(error).splitlines():
            typer.secho(f"kser: {printable(line)}", fg="red", err=True)
        sys.exit(USER_ERROR_STATUS)
    except Exception as error:
        if not is_of_the_system(error):
            raise
        typer.secho(printable(f"kser: {system_reason(error)}"), fg="red", err=True)
        sys.exit(USER_ERROR_STATUS)
    except SystemExit as end:
        if end.code == INTERRUPTED_STATUS:  # what typer makes of KeyboardInterrupt
            typer.secho("kser: interrupted; the same command continues", fg="yellow", err=True)
        raise
