"""The one way from a published corpus to its metadata CSV."""

from pathlib import Path

import pandas as pd

from kser.corpora.metadata import read_metadata, write_metadata
from kser.corpora.recipe import Recipe
from kser.errors import UserError


def prepare(recipe: Recipe, source: str | Path, csv_path: str | Path) -> pd.DataFrame:
    """Write the metadata CSV of a corpus that lies unpacked in a folder.

    Args:
        recipe: the corpus.
        source: the folder, laid out as `recipe.layout` says.
        csv_path: the CSV to write. Paths below its folder are written relative to it.

    Returns:
        The table, as `read_metadata` reads it from the file just written. `difference_from_published` says
        whether it is complete.

    Raises:
        UserError: no such folder, another layout, or audio files with unexpected names.
    """
    folder = Path(source).expanduser()
    if not folder.exists():
        raise UserError(f"{source}: no such folder; {recipe.name} is {recipe.layout}")
    if not folder.is_dir():
        raise UserError(f"{source}: is not a folder; unpack it first: {recipe.name} is {recipe.layout}")
    write_metadata(recipe.read(folder), csv_path)
    return read_metadata(csv_path, check_files=False)


def difference_from_published(recipe: Recipe, table: pd.DataFrame) -> str | None:
    """A line that says how a prepared corpus differs from the published one; `None` when it does not.

    Args:
        recipe: the corpus.
        table: what `prepare` returned.
    """
    differences = []
    if len(table) != recipe.expected_utterances:
        differences.append(f"{len(table)} utterances, {recipe.expected_utterances} were published")
    if absent := sorted(set(recipe.classes) - set(table["class_id"])):
        differences.append(f"no utterance of {', '.join(absent)}")
    return f"{recipe.name}: {'; '.join(differences)}" if differences else None
