"""The tasks of a study in a file, for processes that start later or elsewhere."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import kser
from kser.errors import UserError
from kser.experiment.executors.task import Task
from kser.files import replacing


def write_tasks(path: Path, tasks: Sequence[Task]) -> None:
    """Write tasks; only this version of kser reads them."""
    with replacing(path) as draft:
        draft.write_bytes(pickle.dumps((kser.__version__, tuple(tasks))))


def read_tasks(path: Path) -> Sequence[Task]:
    """The tasks in a file that `write_tasks` wrote; whoever can write it can have any code run.

    Raises:
        UserError: the file is not there, or another version of kser wrote it.
    """
    try:
        version, tasks = pickle.loads(path.read_bytes())
    except (OSError, pickle.UnpicklingError, AttributeError, ImportError, EOFError, ValueError) as error:
        raise UserError(f"{path}: no tasks that this kser can do: {error}") from error
    if version != kser.__version__:
        raise UserError(f"{path}: written by kser {version}, but this is {kser.__version__}; submit it again")
    return tuple(tasks)
