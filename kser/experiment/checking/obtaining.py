"""How to come by what an experiment names and this machine does not have."""

from pathlib import Path

from kser.corpora.recipe import Recipe
from kser.corpora.recipes import RECIPES
from kser.experiment.checking.input_checks import MissingFile


def how_to_obtain(missing: MissingFile) -> str:
    """A line that says which file is missing and how it is made.

    Args:
        missing: metadata of a corpus or a test set.
    """
    recipe = recipe_of(missing.dataset, missing.path)
    if recipe is None:
        known = "`kser data list` names the corpora that it can be made of"
        return f"{missing.path}: the metadata of {missing.dataset} are not here; {known}"
    source = "--download" if recipe.archives else "--source FOLDER_OR_ARCHIVE"
    usual = Path("data") / recipe.name / "metadata.csv"
    output = "" if missing.path == usual.absolute() else f" --output-path {_short(missing.path)}"
    return (
        f"{missing.path}: {recipe.title} is not here: kser data prepare {recipe.name} {source}{output} "
        f"(from {recipe.home_page}; see kser data info {recipe.name})"
    )


def recipe_of(dataset: str, path: Path) -> Recipe | None:
    """The recipe of a corpus that goes by that name or lies in a folder of that name, if there is one."""
    for name in (dataset, path.parent.name):
        found = RECIPES.get(name.lower().replace("-", "_").replace(" ", "_"))
        if found is not None:
            return found
    return None


def _short(path: Path) -> Path:
    """Relative to the working folder where it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
