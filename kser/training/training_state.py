"""Everything that a run needs in order to continue, on disk: weights, seeds, optimizer, progress.

A state is a folder `state-STEP` that appears whole or not at all. The best weights so far are the file
`best.safetensors`, which one renaming replaces.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import load_file, save_file

from kser.errors import UserError
from kser.files import read_json, replacing, write_json

VARIABLES_FILE = "variables.safetensors"
PROGRESS_FILE = "progress.json"
BEST_FILE = "best.safetensors"
_STATE = re.compile(r"state-(\d+)")


def save_state(folder: Path, step: int, model: keras.Model, progress: dict[str, Any], keep: int) -> None:
    """Write `state-STEP` and remove all but the `keep` newest.

    Args:
        folder: of the run.
        step: updates done.
        model: compiled, with a built optimizer.
        progress: what else is needed to continue, as JSON.
        keep: how many states may stay.
    """
    arrays = _model_arrays(model) | _arrays("optimizer", model.optimizer.variables)
    with replacing(folder / f"state-{step:08d}") as draft:
        draft.mkdir()
        save_file(arrays, draft / VARIABLES_FILE)
        write_json(draft / PROGRESS_FILE, {**progress, "step": step})
    for _, outdated in sorted(_states(folder))[:-keep]:
        shutil.rmtree(outdated)


def restore_latest_state(folder: Path, model: keras.Model, identity: str) -> dict[str, Any] | None:
    """Put the model where the newest state of the folder left it.

    Args:
        folder: of the run.
        model: compiled, with a built optimizer.
        identity: what the run is; `progress["identity"]` of the state must be the same.

    Returns:
        The `progress` that was saved, with `"step"`; `None` if there is no state.

    Raises:
        UserError: the states are another run's.
    """
    states = sorted(_states(folder))
    if not states:
        return None
    newest = states[-1][1]
    progress = read_json(newest / PROGRESS_FILE)
    if progress.get("identity") != identity:
        raise UserError(
            f"{folder}: holds saved states of a run with other settings, data, backend or version of kser; "
            "give the experiment another experiment_name, or move that folder away"
        )
    arrays = load_file(newest / VARIABLES_FILE)
    _assign_model(model, arrays)
    _assign("optimizer", model.optimizer.variables, arrays)
    return progress


def save_best(folder: Path, model: keras.Model) -> None:
    """Keep the model's weights as the best so far."""
    with replacing(folder / BEST_FILE) as draft:
        save_file(_model_arrays(model), draft)


def restore_best(folder: Path, model: keras.Model) -> None:
    """Give the model the weights that `save_best` kept."""
    _assign_model(model, load_file(folder / BEST_FILE))


def remove_states(folder: Path) -> None:
    """Remove what only an unfinished run needs, half-written files of a killed process included."""
    for _, state in _states(folder):
        shutil.rmtree(state)
    (folder / BEST_FILE).unlink(missing_ok=True)
    for pattern in (f".{BEST_FILE}.*", ".state-*"):
        for abandoned in folder.glob(pattern):
            shutil.rmtree(abandoned)


def _states(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    found = ((_STATE.fullmatch(path.name), path) for path in folder.iterdir())
    return [(int(match.group(1)), path) for match, path in found if match]


def _model_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    return _arrays("trainable", model.trainable_variables) | _arrays(
        "non_trainable", model.non_trainable_variables
    )


def _assign_model(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    _assign("trainable", model.trainable_variables, arrays)
    _assign("non_trainable", model.non_trainable_variables, arrays)


def _arrays(kind: str, variables: list[keras.Variable]) -> dict[str, np.ndarray]:
    # By position: the names that Keras makes up depend on how many models the process has built before.
    return {
        f"{kind}.{index}": np.asarray(keras.ops.convert_to_numpy(variable), order="C")
        for index, variable in enumerate(variables)
    }


def _assign(kind: str, variables: list[keras.Variable], arrays: dict[str, np.ndarray]) -> None:
    for index, variable in enumerate(variables):
        variable.assign(arrays[f"{kind}.{index}"])
