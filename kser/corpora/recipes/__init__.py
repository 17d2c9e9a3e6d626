"""One module for each corpus, with a constant `RECIPE`; `RECIPES` has them by name.

A module without that constant holds what two corpora share.
"""

import importlib
import pkgutil

from kser.corpora.recipe import Recipe
from kser.errors import UserError
from kser.words import did_you_mean


def _found_recipes() -> dict[str, Recipe]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.RECIPE.name: module.RECIPE for module in modules if hasattr(module, "RECIPE")}


RECIPES = _found_recipes()


def recipe(name: str) -> Recipe:
    """The recipe of a corpus.

    Args:
        name: its name, in upper or lower case.

    Raises:
        UserError: the recipe is not found; names the nearest one.

    Examples:
        >>> recipe("emodb").expected_utterances
        535
    """
    if name.lower() in RECIPES:
        return RECIPES[name.lower()]
    raise UserError(
        f"no recipe for the corpus {name!r}{did_you_mean(name, RECIPES)}; there are {', '.join(RECIPES)}"
    )
