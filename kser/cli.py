"""The commands. Heavy libraries are imported when a command runs, so that `kser --help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import kser
from kser.errors import UserError
from kser.startup import choose_backend, import_keras

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130

app = typer.Typer(
    name="kser",
    help="Speech emotion recognition: train, evaluate and compare models from JSON experiments. "
    "KERAS_BACKEND=jax|tensorflow|torch chooses the backend (default: jax).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(
    help="Corpora: what kser knows of them, and their metadata CSVs.", no_args_is_help=True
)
app.add_typer(data_app, name="data")


@app.command()
def train(
    experiment_file: Annotated[
        Path | None,
        typer.Option(
            "--experiment_file",
            "--experiment-file",
            help="Experiment JSON. Without it: run.json of the working folder, else the embedded quickstart.",
        ),
    ] = None,
    low_seed: Annotated[
        int | None, typer.Option("--low_seed", "--low-seed", help="First seed, in place of cross_validation.")
    ] = None,
    high_seed: Annotated[
        int | None, typer.Option("--high_seed", "--high-seed", help="Last seed, itself included.")
    ] = None,
) -> None:
    """Train all models of an experiment, evaluate them and summarise.

    Runs that are trained already are skipped, an interrupted one continues where it was.
    """
    from kser.experiment.config_files import load_experiment
    from kser.experiment.planning import check_seed_range

    choose_backend()
    check_seed_range(low_seed, high_seed)
    console = _console()
    experiment = load_experiment(experiment_file or _default_experiment(console))
    import_keras()
    from kser.experiment.study import train_experiment

    train_experiment(experiment, console, low_seed, high_seed)


@app.command("eval")
def evaluate(
    eval_path: Annotated[
        Path,
        typer.Option(
            "--eval_path",
            "--eval-path",
            help="Evaluation CSV written by training or by hand, or a folder of them.",
        ),
    ],
    redo: Annotated[bool, typer.Option("--redo", help="Evaluate again what was evaluated before.")] = False,
) -> None:
    """Evaluate trained models on test sets, and summarise over seeds."""
    from kser.experiment.evaluation_csv import evaluation_csvs, read_evaluation_csv

    choose_backend()
    for path in evaluation_csvs(eval_path):
        read_evaluation_csv(path)
    import_keras()
    from kser.experiment.study import evaluate as evaluate_rows

    evaluate_rows(eval_path, _console(), redo)


@data_app.command("list")
def list_corpora() -> None:
    """The corpora that kser has a recipe for."""
    from rich.table import Table

    from kser.corpora.recipes import RECIPES

    table = Table("name", "corpus", "language", "utterances", "classes")
    for recipe in RECIPES.values():
        table.add_row(
            recipe.name,
            recipe.title,
            recipe.language,
            str(recipe.expected_utterances),
            ", ".join(recipe.classes),
        )
    _console().print(table)


@data_app.command("info")
def show_corpus(
    name: Annotated[str, typer.Argument(help="Name of the corpus, see `kser data list`.")],
) -> None:
    """What kser knows of a corpus: citation, licence, where to obtain it, layout."""
    from rich.markup import escape
    from rich.table import Table

    from kser.corpora.recipes import recipe as find_recipe

    recipe = find_recipe(name)
    table = Table(show_header=False, box=None)
    for field in (
        "name",
        "title",
        "citation",
        "licence",
        "home_page",
        "language",
        "sampling_rate_hz",
        "classes",
        "expected_utterances",
        "layout",
        "verified",
    ):
        value = getattr(recipe, field)
        table.add_row(field, escape(", ".join(value) if isinstance(value, tuple) else str(value)))
    _console().print(table)


@data_app.command("prepare")
def prepare_corpus(
    name: Annotated[str, typer.Argument(help="Name of the corpus, see `kser data list`.")],
    source: Annotated[Path, typer.Option("--source", help="Folder with the corpus as published.")],
    output_path: Annotated[
        Path | None,
        typer.Option(
            "--output_path", "--output-path", help="Metadata CSV to write [default: data/NAME/metadata.csv]."
        ),
    ] = None,
) -> None:
    """Write the metadata CSV of a corpus: path, class_id, actor, gender and what else its names tell."""
    from kser.corpora.recipes import difference_from_published, prepare
    from kser.corpora.recipes import recipe as find_recipe

    recipe = find_recipe(name)
    csv_path = output_path or Path("data") / recipe.name / "metadata.csv"
    table = prepare(recipe, source, csv_path)
    console = _console()
    console.print(
        f"{csv_path}: {len(table)} utterances, {table['actor'].nunique()} speakers, "
        f"{table['class_id'].nunique()} classes",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    difference = difference_from_published(recipe, table)
    if difference:
        console.print(difference, style="yellow", soft_wrap=True, highlight=False)


@app.command()
def version() -> None:
    """The version of kser."""
    typer.echo(kser.__version__)


def main() -> None:
    """Run a command; each mistake of the user's is one line, no traceback, and the exit status 2."""
    try:
        app()
    except UserError as error:
        for line in str(error).splitlines():
            typer.secho(f"kser: {line}", fg="red", err=True)
        sys.exit(USER_ERROR_STATUS)
    except SystemExit as end:
        if end.code == INTERRUPTED_STATUS:  # what typer makes of KeyboardInterrupt
            typer.secho("kser: interrupted; the same command continues", fg="yellow", err=True)
        raise


def _console() -> Any:
    from rich.console import Console

    return Console()


def _default_experiment(console: Any) -> Path:
    in_working_folder = Path("run.json")
    if in_working_folder.is_file():
        console.print("running run.json of this folder", highlight=False)
        return in_working_folder
    from kser.experiment.quickstart import CORPUS_FOLDER, prepare_quickstart

    console.print(
        f"no --experiment_file and no run.json here: running the quickstart on synthetic speech in "
        f"{CORPUS_FOLDER.parent}/ (to try kser out, no benchmark)",
        soft_wrap=True,
        highlight=False,
    )
    return prepare_quickstart()
