"""`kser data`: what kser knows of corpora, and their metadata CSVs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kser.cli.options import option
from kser.cli.terminal import console, long_command
from kser.console import print_line
from kser.errors import UserError

if TYPE_CHECKING:
    from kser.corpora.recipe import Recipe

app = typer.Typer(
    help="List corpora, and prepare their metadata CSVs.", no_args_is_help=True, rich_markup_mode=None
)

_LIST_HEADER = ("name", "language", "speakers", "utterances", "classes", "verified", "download", "corpus")
_LANGUAGE_WIDTH = 12
_NARROWEST_TITLE = 8
_WIDTH_OF_A_FILE = 100


@app.command("list")
def list_corpora() -> None:
    """List the corpora that kser has a recipe for."""
    from kser.corpora.recipes import RECIPES

    rows = [
        (
            recipe.name,
            _cut(recipe.language.partition(" (")[0], _LANGUAGE_WIDTH),
            *map(str, (recipe.expected_speakers, recipe.expected_utterances, len(recipe.classes))),
            "yes" if recipe.verified else "no",
            "yes" if recipe.archives else "no",
            recipe.title,
        )
        for recipe in RECIPES.values()
    ]
    rows.insert(0, _LIST_HEADER)
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)][:-1]
    shown_on = console()
    width = max(shown_on.width, 0 if shown_on.is_terminal else _WIDTH_OF_A_FILE)
    for number, row in enumerate(rows):
        name, language, *numbers, title = row
        cells = [name.ljust(widths[0]), f" {language.ljust(widths[1])}"]
        cells += [cell.rjust(wide) for cell, wide in zip(numbers, widths[2:], strict=True)]
        # The title gives way where the terminal is narrow; the rest can be read whole.
        room = width - sum(widths) - len(widths) - 2
        line = f"{' '.join(cells)}  {_cut(title, max(room, _NARROWEST_TITLE))}"
        print_line(shown_on, line, style="bold" if number == 0 else "")
    print_line(
        shown_on,
        "\nverified: the recipe was run on the published files, not only made after their description\n"
        "download: `kser data prepare NAME --download` fetches it; for others see `kser data info NAME`",
    )


@app.command("info")
def show_corpus(
    name: Annotated[str, typer.Argument(help="Name of the corpus, see `kser data list`.")],
) -> None:
    """Show citation, licence, source and layout of a corpus."""
    from rich.table import Table
    from rich.text import Text

    from kser.corpora.recipes import recipe as find_recipe

    facts = _facts(find_recipe(name))
    shown_on = console()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for fact, value in facts.items():
        if shown_on.is_terminal:
            table.add_row(fact, Text(str(value)))
        else:  # long lines stay whole, for other programs
            print_line(shown_on, f"{fact:14}  {value}")
    shown_on.print(table, end="")


@app.command("prepare")
@long_command
def prepare_corpus(
    name: Annotated[str, typer.Argument(help="Name of the corpus, see `kser data list`.")],
    source: Annotated[
        list[Path] | None,
        option(
            "source",
            "Folder with the corpus as published, or an archive of it (.zip, .tar, .tar.gz, …), which is "
            "unpacked beside the metadata CSV. Give the option several times for several archives.",
            metavar="PATH",
        ),
    ] = None,
    download: Annotated[
        bool, option("download", "Download it first, where the licence lets anybody do so.")
    ] = False,
    output_path: Annotated[
        Path | None,
        option("output_path", "Metadata CSV to write; without it, data/NAME/metadata.csv."),
    ] = None,
    allow_unknown: Annotated[
        bool,
        option("allow_unknown", "Leave out audio files with unexpected names, and list them."),
    ] = False,
) -> None:
    """Write the metadata CSV of a corpus.

    It has the columns path, class_id, actor, gender and what else the corpus's files say. Every recording
    is decoded; a report beside the CSV names those that cannot be, and duplicates, and counts utterances by
    class, speaker and gender.
    """
    from kser.corpora.preparing import prepare
    from kser.corpora.recipes import recipe as find_recipe

    recipe = find_recipe(name)
    if bool(source) == download:
        raise UserError(
            f"{recipe.name}: give --source FOLDER_OR_ARCHIVE"
            + (" or --download" if recipe.archives else f" (available from {recipe.home_page})")
            + (", not both" if download else "")
        )
    csv_path = output_path or Path("data") / recipe.name / "metadata.csv"
    prepare(recipe, source, csv_path, console(), allow_unknown)


def _facts(recipe: "Recipe") -> dict[str, object]:
    """The facts about a corpus, in the order in which to read them."""
    from kser.corpora.preparation_report import NOT_VERIFIED

    return {
        "name": recipe.name,
        "title": recipe.title,
        "citation": recipe.citation,
        "licence": recipe.licence,
        "home page": recipe.home_page,
        "language": recipe.language,
        "speakers": recipe.speakers,
        "utterances": recipe.expected_utterances,
        "classes": ", ".join(recipe.classes),
        "sampling rate": f"{recipe.sampling_rate_hz} Hz as published"
        if recipe.sampling_rate_hz
        else "unknown",
        "official folds": f"column {recipe.folds}" if recipe.folds else "none",
        "layout": recipe.layout,
        "verified": "yes: it was run on the published files" if recipe.verified else f"no: {NOT_VERIFIED}",
        "download": "\n".join(
            f"{archive.url} ({archive.size_bytes / 1e6:.1f} MB, {archive.checksum})"
            for archive in recipe.archives
        )
        or "not by kser; obtain it from the home page",
        "to prepare": f"kser data prepare {recipe.name} "
        + ("--download" if recipe.archives else "--source FOLDER_OR_ARCHIVE"),
    }


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
