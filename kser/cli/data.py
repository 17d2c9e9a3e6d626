"""`kser data`: what kser knows of corpora, and their metadata CSVs."""

from pathlib import Path
from typing import Annotated

import typer

from kser.cli.options import console, option

app = typer.Typer(help="Corpora: what kser knows of them, and their metadata CSVs.", no_args_is_help=True)


@app.command("list")
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
    console().print(table)


@app.command("info")
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
    console().print(table)


@app.command("prepare")
def prepare_corpus(
    name: Annotated[str, typer.Argument(help="Name of the corpus, see `kser data list`.")],
    source: Annotated[Path, option("source", "Folder with the corpus as published.")],
    output_path: Annotated[
        Path | None,
        option("output_path", "Metadata CSV to write [default: data/NAME/metadata.csv]."),
    ] = None,
) -> None:
    """Write the metadata CSV of a corpus: path, class_id, actor, gender and what else its names tell."""
    from kser.corpora.preparing import difference_from_published, prepare
    from kser.corpora.recipes import recipe as find_recipe

    recipe = find_recipe(name)
    csv_path = output_path or Path("data") / recipe.name / "metadata.csv"
    table = prepare(recipe, source, csv_path)
    shown_on = console()
    shown_on.print(
        f"{csv_path}: {len(table)} utterances, {table['actor'].nunique()} speakers, "
        f"{table['class_id'].nunique()} classes",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    difference = difference_from_published(recipe, table)
    if difference:
        shown_on.print(difference, style="yellow", soft_wrap=True, highlight=False)
