"""Everything that a run needs in order to continue, on disk: weights, seeds, optimizer, progress.

A state is a folder `state-STEP` that appears whole or not at all. The best weights so far are the file
`best.safetensors`, which one renaming replaces; those of updates that are kept for
later are `kept-STEP.safetensors`.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import load_file, save_file

from kser.errors import UserError
from kser.files import read_json, remove_drafts, replacing, write_json
from kser.training.process_group import arrays_of_first, of_first

VARIABLES_FILE = "variables.safetensors"
PROGRESS_FILE = "progress.json"
BEST_FILE = "best.safetensors"
_STATE = re.compile(r"state-(\d+)")
_KEPT = re.compile(r"kept-(\d+)\.safetensors")


@dataclass(frozen=True)
class SavedState:
    """A state of a run, read from disk.

    Attributes:
        progress: what was given to `save_state`, and `"step"`.
        arrays: the model's variables and what the optimizer keeps, see `assign_model`, `assign_optimizer`.
    """

    progress: dict[str, Any]
    arrays: Mapping[str, np.ndarray]


def save_state(folder: Path, step: int, model: keras.Model, progress: dict[str, Any], keep: int) -> None:
    """Write `state-STEP` and remove all but the `keep` newest.

    Args:
        folder: of the run.
        step: updates done.
        model: compiled with a built `GroupedAdamW`.
        progress: what else is needed to continue, as JSON.
        keep: how many states may stay.
    """
    with replacing(folder / f"state-{step:08d}") as draft:
        draft.mkdir()
        save_file(model_arrays(model) | optimizer_arrays(model), draft / VARIABLES_FILE)
        write_json(draft / PROGRESS_FILE, {**progress, "step": step})
    for _, outdated in sorted(_states(folder))[:-keep]:
        shutil.rmtree(outdated)


def load_latest_state(folder: Path, identity: str) -> SavedState | None:
    """Read the newest state of a folder; `None` if it has none.

    Processes that train together have that of the first.

    Args:
        folder: of the run.
        identity: what the run is; `progress["identity"]` of the state must be the same.

    Raises:
        UserError: the states are another run's.
    """
    progress = of_first(lambda: _latest_progress(folder, identity))
    if progress is None:
        return None
    arrays = arrays_of_first(lambda: load_file(_states(folder)[-1][1] / VARIABLES_FILE))
    return SavedState(progress, arrays)


def _latest_progress(folder: Path, identity: str) -> dict[str, Any] | None:
    states = _states(folder)
    if not states:
        return None
    progress: dict[str, Any] = read_json(states[-1][1] / PROGRESS_FILE)
    if progress.get("identity") != identity:
        raise UserError(
            f"{folder}: holds saved states of a run with other settings, data, backend or version of kser; "
            "give the experiment another experiment_name, or move that folder away"
        )
    return progress


def save_best(folder: Path, model: keras.Model) -> None:
    """Keep the model's weights as the best so far."""
    with replacing(folder / BEST_FILE) as draft:
        save_file(model_arrays(model), draft)


def restore_best(folder: Path, model: keras.Model) -> None:
    """Give the model the weights that `save_best` kept, in the first of processes that train together."""
    assign_model(model, arrays_of_first(lambda: load_file(folder / BEST_FILE)))


def keep_weights(folder: Path, step: int, model: keras.Model, limit: int | None) -> None:
    """Keep the model's weights after an update; until `remove_states` they are what `kept_weights` finds.

    Args:
        folder: of the run.
        step: updates done.
        model: whose weights.
        limit: how many may stay, the newest; `None` for all. That before the first update stays beside them:
            it is what the others are compared with.
    """
    with replacing(folder / f"kept-{step:08d}.safetensors") as draft:
        save_file(model_arrays(model), draft)
    if limit is not None:
        later = {step: file for step, file in kept_weights(folder).items() if step}
        for outdated in list(later.values())[:-limit]:
            outdated.unlink()


def kept_weights(folder: Path) -> dict[int, Path]:
    """The files of `keep_weights` by their updates, in order."""
    return dict(_numbered(folder, _KEPT))


def restore_kept(file: Path, model: keras.Model) -> None:
    """Give the model the weights of a file of `keep_weights`."""
    assign_model(model, load_file(file))


def model_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """All variables of a model by their position, states of random generators included.

    The positions are the same whichever of them are trained. Names would not do: those that Keras makes up
    depend on how many models the process has built before.
    """
    return {f"model.{position}": _array(variable) for position, variable in enumerate(model.variables)}


def assign_model(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a model the variables that `model_arrays` gave."""
    for position, variable in enumerate(model.variables):
        variable.assign(arrays[f"model.{position}"])


def optimizer_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """What a model's optimizer keeps: its count, and for each trained variable, by the position of that."""
    arrays = {"optimizer.batches": _array(model.optimizer.batches)}
    for name, variable in _slots(model):
        arrays[name] = _array(variable)
    return arrays


def assign_optimizer(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a model's optimizer what `optimizer_arrays` gave, also of when fewer variables were trained.

    What it keeps for further variables stays as it is.
    """
    model.optimizer.batches.assign(arrays["optimizer.batches"])
    for name, variable in _slots(model):
        if name in arrays:
            variable.assign(arrays[name])


def _slots(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """Names for the optimizer's variables that do not depend on what is trained."""
    positions = {id(variable): position for position, variable in enumerate(model.variables)}
    for slot, variables in model.optimizer.slots().items():
        for variable, weight in zip(variables, model.trainable_variables, strict=True):
            yield f"{slot}.{positions[id(weight)]}", variable


def remove_states(folder: Path) -> None:
    """Remove what only an unfinished run needs, half-written files of a killed process included."""
    for _, state in _states(folder):
        shutil.rmtree(state)
    for kept in kept_weights(folder).values():
        kept.unlink()
    (folder / BEST_FILE).unlink(missing_ok=True)
    remove_drafts(folder)


def _states(folder: Path) -> list[tuple[int, Path]]:
    return _numbered(folder, _STATE)


def _numbered(folder: Path, pattern: re.Pattern[str]) -> list[tuple[int, Path]]:
    """What in a folder has such a name, by the number in it, in order."""
    if not folder.is_dir():
        return []
    found = ((pattern.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match.group(1)), path) for match, path in found if match)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), order="C")
