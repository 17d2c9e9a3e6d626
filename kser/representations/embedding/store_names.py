"""What the stores of several models are called, one beside another."""

from collections.abc import Sequence
from pathlib import Path

from kser.errors import UserError

_MODEL_FOLDER = "model"  # of a run, see `RunPaths`


def store_names(models: Sequence[Path]) -> list[str]:
    """A short name for each of several models: as much of the end of its path as tells it from the others.

    Examples:
        >>> store_names([Path("results/study/wavlm/seed_0/model"), Path("results/study/wavlm/seed_1/model")])
        ['seed_0', 'seed_1']

    Raises:
        UserError: two are the same.
    """
    parts = [_telling_parts(model) for model in models]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["__".join(each[-count:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    raise UserError(f"a model was given twice: {', '.join(map(str, models))}")


def _telling_parts(model: Path) -> list[str]:
    parts = [part.replace(":", "") for part in model.parts if part != model.anchor]
    return parts[:-1] if len(parts) > 1 and parts[-1] == _MODEL_FOLDER else parts
