"""Which trained models a name stands for: a model, a run, or all seeds of a study."""

from collections.abc import Iterable
from pathlib import Path

from kser.errors import UserError
from kser.experiment.runs.paths import MODEL, STATES
from kser.experiment.runs.trained_model import PROVENANCE_FILE
from kser.files import expanded

# From a run, a model with all its seeds, or a whole study down to the trained models, see `RunPaths`.
_WITHIN = (MODEL, f"*/{MODEL}", f"*/*/{MODEL}")
# In the folder of the states that a run kept, and not from a run: they are not among its seeds.
_KEPT_STATES = "step_*"


def model_folders(given: Iterable[str | Path], *, with_states: bool = False) -> list[Path]:
    """The trained models that are meant.

    Args:
        given: of each the folder of a trained model; the folder of a run, of a model with its seeds or of a
            study, for all trained models in it; the folder `states` of a run, for those that
            `keep_states_every` kept; or the name of a published model with a trained head.
        with_states: whether what `keep_states_every` kept of a run is meant with its model, before it.

    Returns:
        Folders, each once; or names.

    Raises:
        UserError: a folder holds no trained model, or nothing was given.
    """
    found = [folder for each in given for folder in _folders(each)]
    if with_states:
        found = [each for folder in found for each in (*_kept_states(folder), folder)]
    if not found:
        raise UserError("no model given: the folder of a trained model, or of a study")
    return list(dict.fromkeys(found))


def model_folder(given: str | Path) -> Path:
    """The one trained model that is meant, see `model_folders`.

    Raises:
        UserError: there are several, or none.
    """
    found = model_folders([given])
    if len(found) > 1:
        raise UserError(f"{given}: holds {len(found)} trained models; name one of them, {found[0]} say")
    return found[0]


def _folders(given: str | Path) -> list[Path]:
    path = expanded(given)
    if not path.is_dir():
        if path.is_absolute() or str(given).startswith("."):
            raise UserError(f"{given}: folder not found")
        return [path]  # of a published model, or missing: loading tells
    if _is_model(path):
        return [path.absolute()]
    within = [
        folder.absolute() for pattern in (*_WITHIN, _KEPT_STATES) for folder in sorted(path.glob(pattern))
    ]
    models = [folder for folder in within if _is_model(folder)]
    if not models:
        raise UserError(f"{given}: holds no trained model, nor do the folders within it as of a study")
    return models


def _kept_states(model: Path) -> list[Path]:
    states = model.parent / STATES
    return sorted(states.glob(_KEPT_STATES)) if model.name == MODEL and states.is_dir() else []


def _is_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (PROVENANCE_FILE, "task.json", "config.json"))
