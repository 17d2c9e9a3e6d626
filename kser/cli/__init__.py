"""The commands. Heavy libraries are imported when a command runs, so that `kser --help` answers at once."""

import sys
import traceback
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
from kser.cli.terminal import complain, is_verbose, long_command, warn
from kser.errors import UserError, is_of_the_system, system_reason

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130

app = typer.Typer(
    name="kser",
    help="Speech emotion recognition: train, evaluate and compare models from JSON experiments. "
    "KERAS_BACKEND=jax|tensorflow|torch chooses the backend (default: jax).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Rich markup would take brackets in a help text for styles.
    rich_markup_mode=None,
    context_settings={
        "max_content_width": 100,
        # --low_seed is --low-seed
        "token_normalize_func": lambda name: name.replace("_", "-"),
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
app.command("check")(long_command(study.check))
app.command("train")(long_command(study.train))
app.command("eval")(long_command(study.evaluate))
app.command("predict")(long_command(predict.predict))
app.command("embed")(long_command(embed.embed))
app.command("analyse")(long_command(analyse.analyse))
app.command("features")(long_command(features.features))
app.command("export")(long_command(export.export))
app.command("serve")(long_command(serve.serve))
app.command("demo")(long_command(demo.demo))
app.command("graph")(long_command(graph.graph))
app.command("stats")(long_command(stats.stats))
app.command("report")(long_command(report.report))
app.add_typer(data.app, name="data")
app.add_typer(configs.app, name="configs")
app.command("augment")(long_command(augment.augment))
app.command("normalize")(long_command(audio.normalize))
app.command("trim")(long_command(audio.trim))
app.command("convert")(long_command(convert.convert))
app.command("version")(study.version)
app.command("worker", hidden=True)(worker.worker)


def main() -> None:
    """Run a command; each mistake of the user's is one line, no traceback, and the exit status 2."""
    try:
        app()
    except UserError as error:
        _end(error, str(error))
    except Exception as error:
        if not is_of_the_system(error):
            raise
        _end(error, system_reason(error))
    except SystemExit as end:
        if end.code == INTERRUPTED_STATUS:  # what typer makes of KeyboardInterrupt
            warn("interrupted; the same command continues")
        raise


def _end(error: Exception, reason: str) -> None:
    if is_verbose():
        traceback.print_exception(error)
    for line in reason.splitlines():
        complain(line)
    sys.exit(USER_ERROR_STATUS)
