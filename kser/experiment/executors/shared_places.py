"""What all workers of a study must see as the process sees it that started them: its inputs and folders."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from kser.checkpoints.locate import local_files
from kser.errors import UserError
from kser.experiment.evaluating.test_sets import further_test_sets
from kser.experiment.runs.paths import results_folder, work_folder
from kser.experiment.runs.planning import Run, first_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.usable_rows import metadata_files
from kser.files import is_there, write_text

MARK_FILE = ".kser_folder"
_ON_A_SHARED_DISK = "it must be on a disk that all workers share"


@dataclass(frozen=True)
class SharedPlaces:
    """Paths that are the same for all workers.

    Attributes:
        working_folder: in which the study was started.
        inputs: files and folders that are read.
        marks: by each folder that is written to what its mark says.
    """

    working_folder: Path
    inputs: tuple[Path, ...]
    marks: tuple[tuple[Path, str], ...]

    def enter(self) -> None:
        """Take the working folder of the study for that of this process, and see that all places are here.

        Raises:
            UserError: a place that is not here, or is another one; says which, and on which worker.
        """
        lines = [f"{path}: not found there; {_ON_A_SHARED_DISK}" for path in self._missing()]
        lines += [
            f"{folder}: is not the folder of that name where the study was started; {_ON_A_SHARED_DISK}"
            for folder, mark in self.marks
            if _mark_of(folder) != mark
        ]
        if lines:
            raise UserError("\n".join(f"worker {worker_name()}: {line}" for line in lines))
        os.chdir(self.working_folder)

    def _missing(self) -> list[Path]:
        return [path for path in (self.working_folder, *self.inputs) if not is_there(path)]


def shared_places(runs: Sequence[Run]) -> SharedPlaces:
    """The places of runs that were checked; marks the folders that they write to.

    Of the audio, a file of each model's corpus stands for all.

    Raises:
        UserError: a folder cannot be written.
    """
    config = runs[0].config
    inputs = {test_set.test_csv: None for test_set in further_test_sets(runs[0].experiment)}
    for run in first_runs(runs).values():
        audio = load_run_data(run).rows("train")["path"].iloc[0]
        paths = [*metadata_files(run).values(), Path(audio), *local_files(run.model.model_path_or_name)]
        inputs |= dict.fromkeys(paths)
    states = (run.paths.states.parents[1] for run in runs)
    folders = dict.fromkeys([work_folder(config), results_folder(config), *states])
    return SharedPlaces(Path.cwd(), tuple(inputs), tuple((folder, _marked(folder)) for folder in folders))


def worker_name() -> str:
    """This machine and process, as messages name them."""
    return f"{socket.gethostname()} (process {os.getpid()})"


def _marked(folder: Path) -> str:
    """What the mark of a folder says; it is made where there is none, and stays."""
    if _mark_of(folder) is None:
        write_text(folder / MARK_FILE, f"{uuid4().hex}\n")
    mark = _mark_of(folder)
    assert mark is not None
    return mark


def _mark_of(folder: Path) -> str | None:
    with suppress(OSError):
        return (folder / MARK_FILE).read_text(encoding="utf-8").strip()
    return None
