"""One module a corpus, each with a constant `RECIPE`; `RECIPES` has them by name."""

import difflib

from kser.corpora.recipe import Recipe
from kser.corpora.recipes import (
    aesdd,
    cafe,
    crema_d,
    emodb,
    emouerj,
    emovo,
    emozionalmente,
    enterface,
    esd,
    iemocap,
    jl_corpus,
    meld,
    mesd,
    msp_podcast,
    ravdess_song,
    ravdess_speech,
    savee,
    shemo,
    subesco,
    tess,
    urdu,
)
from kser.errors import UserError

RECIPES: dict[str, Recipe] = {
    module.RECIPE.name: module.RECIPE
    for module in (
        aesdd,
        cafe,
        crema_d,
        emodb,
        emouerj,
        emovo,
        emozionalmente,
        enterface,
        esd,
        iemocap,
        jl_corpus,
        meld,
        mesd,
        msp_podcast,
        ravdess_song,
        ravdess_speech,
        savee,
        shemo,
        subesco,
        tess,
        urdu,
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of a corpus.

    Args:
        name: its name, in upper or lower case.

    Raises:
        UserError: there is no such recipe; names the nearest one.

    Example:
        >>> recipe("emodb").expected_utterances
        535
    """
    if name.lower() in RECIPES:
        return RECIPES[name.lower()]
    nearest = difflib.get_close_matches(name.lower(), RECIPES, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise UserError(f"no recipe for the corpus {name!r}: {hint}there are {', '.join(sorted(RECIPES))}")
