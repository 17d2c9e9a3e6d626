"""Runs as an array job of SLURM, and a job after it that evaluates them."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kser.errors import UserError
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.execution.training_run import Outcome
from kser.experiment.executors.counts import CountsChecked
from kser.experiment.executors.resources import Resources, by_resources
from kser.experiment.executors.run_order import waves
from kser.experiment.executors.shared_places import shared_places
from kser.experiment.executors.task import Task
from kser.experiment.executors.task_file import write_tasks
from kser.experiment.runs.paths import work_folder
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import FileWritten, ProgressListener
from kser.experiment.study.results import RunResult, StudyResult, is_trained
from kser.experiment.study.study import evaluate_study
from kser.files import write_text
from kser.training.events import Message

_TASKS_FILE = "tasks.pickle"
# Of as many SLURM makes an array at the most, where MaxArraySize has its default.
_TASKS_OF_AN_ARRAY = 1000
_OF_THE_ENVIRONMENT = ("KERAS_BACKEND", "KSER_CACHE", "PYTHONPATH")


@dataclass(frozen=True)
class SlurmExecutor(CountsChecked):
    """Has SLURM do runs.

    Args:
        workers: how many runs at once; `None` for as many as SLURM lets.
        num_cpus: processors of a run of a model whose JSON does not say it; `None` for SLURM's default.
        num_gpus: graphics processors, likewise; `None` for none.
        further: options of sbatch for all jobs, as they are, in a line.

    Raises:
        UserError: a number is too small.
    """

    workers: int | None = None
    num_cpus: int | None = None
    num_gpus: int | None = None
    further: str = ""

    def jobs(self, runs: Sequence[Run]) -> "SlurmJobs":
        """The jobs that do what is left of a study; nothing is written.

        A task that SLURM requeues goes on where it was, and one that runs twice leaves the run to the other.

        Args:
            runs: of one experiment, checked.
        """
        folder = work_folder(runs[0].config) / "slurm" / str(int(time.time()))
        arrays: list[ArrayJob] = []
        before: tuple[int, ...] = ()
        for wave in waves(runs):
            first = len(arrays)
            for numbers in self._arrays_of(runs, wave):
                # One after the other where only so many may be at work, else all of a wave at once.
                after = before if self.workers is None or not arrays else (len(arrays) - 1,)
                arrays.append(ArrayJob(self._array_script(runs, numbers, folder), after))
            before = tuple(range(first, len(arrays))) or before
        config = runs[0].config
        cpus = _directives(Resources(self.num_cpus))
        name = f"{config.experiment_name}-evaluation"
        evaluation = _script(name, folder, "evaluation", cpus, self.further, "--evaluate")
        return SlurmJobs(runs, folder, arrays, evaluation)

    def submit(self, runs: Sequence[Run], progress: ProgressListener) -> list[str]:
        """See `kser.experiment.study.executor.Submitter`.

        Raises:
            UserError: there is no sbatch here, or it refuses.
        """
        return self.jobs(runs).submit(progress)

    def _arrays_of(self, runs: Sequence[Run], wave: Sequence[int]) -> list[list[int]]:
        """The numbers of what is left of a wave, by array: of one kind of resources and not too large."""
        arrays: dict[tuple[int, int], list[int]] = {}
        left = [number for number in wave if not is_trained(runs[number])]
        for kind, numbers in enumerate(by_resources(runs, left, Resources(self.num_cpus, self.num_gpus))):
            for number in numbers:
                arrays.setdefault((kind, number // _TASKS_OF_AN_ARRAY), []).append(number)
        return list(arrays.values())

    def _array_script(self, runs: Sequence[Run], numbers: Sequence[int], folder: Path) -> str:
        """The script of an array job, whose indices are the numbers of the runs without the thousands."""
        thousands = numbers[0] // _TASKS_OF_AN_ARRAY
        indices = [number % _TASKS_OF_AN_ARRAY for number in numbers]
        at_once = "" if self.workers is None else f"%{self.workers}"
        directives = [
            f"--array={in_ranges(indices).replace('–', '-').replace(' ', '')}{at_once}",
            "--requeue",
            "--open-mode=append",
            *_directives(Resources(self.num_cpus, self.num_gpus).of(runs[numbers[0]])),
        ]
        output = f"run_{thousands}%3a" if thousands else "run_%a"
        number = f"$(({thousands}000 + SLURM_ARRAY_TASK_ID))" if thousands else "$SLURM_ARRAY_TASK_ID"
        name = runs[0].config.experiment_name
        return _script(name, folder, output, directives, self.further, f'--number "{number}"')


@dataclass(frozen=True)
class ArrayJob:
    """An array job, each task of which does a run.

    Attributes:
        script: for sbatch.
        after: places, among all arrays of the study, of those that must have ended before.
    """

    script: str
    after: Sequence[int]


@dataclass(frozen=True)
class SlurmJobs:
    """The jobs of a study.

    Attributes:
        runs: all of the study.
        folder: for the scripts, the tasks and what the jobs print.
        arrays: what is to be trained.
        evaluation: script of the job after them.
    """

    runs: Sequence[Run]
    folder: Path
    arrays: Sequence[ArrayJob]
    evaluation: str

    @property
    def scripts(self) -> list[str]:
        """Of all jobs, in the order in which they are submitted."""
        return [*(array.script for array in self.arrays), self.evaluation]

    def submit(self, progress: ProgressListener) -> list[str]:
        """Write the scripts and submit them.

        Args:
            progress: gets what was written and submitted.

        Returns:
            The numbers that SLURM gave the jobs.

        Raises:
            UserError: there is no sbatch here, or it refuses.
        """
        places = shared_places(self.runs)
        write_tasks(self.folder / _TASKS_FILE, [Task(run, places) for run in self.runs])
        name = self.runs[0].config.experiment_name
        jobs: list[str] = []
        for number, array in enumerate(self.arrays):
            path = self.folder / (f"runs_{number}.sh" if number else "runs.sh")
            jobs.append(_submit(path, array.script, [jobs[before] for before in array.after]))
            progress(Message(name, f"array job {jobs[-1]} trains: {path}"))
        path = self.folder / "evaluation.sh"
        jobs.append(_submit(path, self.evaluation, jobs))
        progress(Message(name, f"job {jobs[-1]} evaluates after that: {path}"))
        progress(FileWritten(name, "what the jobs print", self.folder))
        return jobs


def evaluate_tasks(tasks: Sequence[Task], folder: Path, progress: ProgressListener) -> StudyResult:
    """What the job after the arrays does.

    Args:
        tasks: of all runs of a study.
        folder: where what their jobs printed is.
        progress: gets the events.

    Raises:
        UserError: a place is not here, see `SharedPlaces`.
        IncompleteError: runs or evaluations failed, after all others were done.
    """
    tasks[0].places.enter()
    results = [
        RunResult(task.run, Outcome.ALREADY_TRAINED)
        if is_trained(task.run)
        else RunResult(task.run, None, f"is not trained; see {folder / f'run_{number}.txt'}", "training")
        for number, task in enumerate(tasks)
    ]
    return evaluate_study(results, progress)


def _directives(resources: Resources) -> list[str]:
    """What sbatch is asked for."""
    return [
        *([] if resources.num_cpus is None else [f"--cpus-per-task={resources.num_cpus}"]),
        *([] if not resources.num_gpus else [f"--gres=gpu:{resources.num_gpus}"]),
    ]


def _script(
    name: str, folder: Path, output: str, directives: Sequence[str], further: str, command: str
) -> str:
    lines = [
        f"--job-name={name}",
        f"--output={folder / output}.txt",
        f"--chdir={Path.cwd()}",
        *directives,
    ]
    exported = [
        f"export {variable}={shlex.quote(value)}"
        for variable in _OF_THE_ENVIRONMENT
        if (value := os.environ.get(variable))
    ]
    tasks = shlex.quote(str(folder / _TASKS_FILE))
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {shlex.quote(line)}" for line in lines),
            *([f"#SBATCH {further}"] if further else []),
            *exported,
            f"exec {shlex.quote(sys.executable)} -P -m kser worker --tasks {tasks} {command}",
            "",
        ]
    )


def _submit(path: Path, script: str, after: Sequence[str]) -> str:
    """Write a script and submit it, to begin after other jobs; gives the number of its job."""
    write_text(path, script)
    dependency = [f"--dependency=afterany:{':'.join(after)}"] if after else []
    try:
        done = subprocess.run(
            ["sbatch", "--parsable", *dependency, str(path)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UserError("sbatch: command not found; run kser train on a machine of the cluster") from None
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"status {done.returncode}"
        raise UserError(f"{path}: sbatch refused it: {reason}")
    return done.stdout.strip().partition(";")[0]
