"""Workers that are processes of this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

from kser.experiment.executors.counts import CountsChecked
from kser.experiment.executors.crew import Died, Ended, Happened, Report
from kser.experiment.executors.dispatch import dispatch
from kser.experiment.executors.shared_places import shared_places
from kser.experiment.executors.task import Task
from kser.experiment.runs.paths import work_folder
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import ProgressListener
from kser.experiment.study.results import RunResult
from kser.experiment.study.training import train_runs

_ENDS_WITHIN_S = 20.0


@dataclass(frozen=True)
class LocalExecutor(CountsChecked):
    """Does runs on this machine, in processes of their own; each does one run after the other.

    They have the threads that this process would have: with others sums would be rounded in another way. The
    system divides the processors among them.

    Args:
        workers: how many processes; 1: this one.

    Raises:
        UserError: `workers` is below 1.
    """

    workers: int = 1

    def train(self, runs: Sequence[Run], progress: ProgressListener) -> list[RunResult]:
        """See `kser.experiment.study.executor.Executor`."""
        if self.workers == 1:
            return train_runs(runs, progress)
        with LocalCrew(self.workers, work_folder(runs[0].config)) as crew:
            return dispatch(runs, crew, shared_places(runs), progress)


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    output: Path
    run: Run | None = None
    model: str = ""


class LocalCrew:
    """A `Crew` of processes on this machine; as a context manager it ends them.

    They are no part of the terminal's foreground, so that Ctrl-C meets this process alone, which then ends
    them; they also end when this process dies.

    Args:
        size: how many at most; each starts when there is something to do for it.
        folder: for what they print, in a file each, removed when the worker has ended well.
    """

    def __init__(self, size: int, folder: Path):
        self.size = size
        self.folder = folder
        self._workers: list[_Worker] = []
        self._started = 0

    def __enter__(self) -> "LocalCrew":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.connection.close()  # which interrupts it
        deadline_s = time.monotonic() + _ENDS_WITHIN_S
        for worker in self._workers:
            try:
                worker.process.wait(max(deadline_s - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.output.unlink(missing_ok=True)

    def has_room_for(self, run: Run) -> bool:
        """See `Crew`."""
        return sum(worker.run is not None for worker in self._workers) < self.size

    def begin(self, task: Task) -> None:
        """See `Crew`; a worker that has done a run of the same model has its compiled programs."""
        idle = [worker for worker in self._workers if worker.run is None]
        alike = [worker for worker in idle if worker.model == task.run.model.name]
        is_complete = len(self._workers) == self.size
        worker = alike[0] if alike else idle[0] if idle and is_complete else self._start()
        worker.run, worker.model = task.run, task.run.model.name
        try:
            worker.connection.send(task)
        except OSError:
            return  # it has died, which `reports` tells

    def reports(self) -> Sequence[Report]:
        """See `Crew`."""
        by_connection = {worker.connection: worker for worker in self._workers}
        reports: list[Report] = []
        for connection in wait(list(by_connection)):
            assert isinstance(connection, Connection)
            worker = by_connection[connection]
            try:
                said = connection.recv()
            except (EOFError, OSError):
                reports += self._bury(worker)
                continue
            if isinstance(said, RunResult):
                worker.run = None
                reports.append(Ended(said))
            else:
                reports.append(Happened(said))
        return reports

    def _start(self) -> _Worker:
        self._started += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        output = self.folder / f"worker_{os.getpid()}_{self._started}.txt"
        ours, theirs = Pipe()
        with theirs, output.open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kser", "worker", "--connection", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        worker = _Worker(process, ours, output)
        self._workers.append(worker)
        return worker

    def _bury(self, worker: _Worker) -> list[Report]:
        worker.connection.close()
        status = worker.process.wait()
        self._workers.remove(worker)
        if status < 0:
            worker.output.unlink(missing_ok=True)
            how = f"was killed by signal {-status}"
        else:
            how = f"ended with status {status}, see {worker.output}"
        return [] if worker.run is None else [Died(worker.run, how)]
