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
_OF_THE_ENVIRONMENT = ("KERAS_BACKEND", "KSER_CACHE", "PYTHONPATH")


@dataclass(frozen=True)
class SlurmOptions:
    """What the jobs ask SLURM for.

    Attributes:
        workers: how many runs at once; `None` for as many as SLURM lets.
        num_cpus: processors of a run; `None` for SLURM's default.
        num_gpus: graphics processors of a run; `None` for none.
        further: options of sbatch for all jobs, as they are.
    """

    workers: int | None = None
    num_cpus: int | None = None
    num_gpus: int | None = None
    further: str = ""


@dataclass(frozen=True)
class SlurmJobs:
    """The jobs of a study.

    Attributes:
        runs: all of the study.
        folder: for the scripts, the tasks and what the jobs print.
        arrays: scripts of array jobs, one after the other; each index is the number of a run.
        evaluation: script of the job after them.
    """

    runs: Sequence[Run]
    folder: Path
    arrays: Sequence[str]
    evaluation: str

    def submit(self, progress: ProgressListener) -> None:
        """Write the scripts and submit them.

        Args:
            progress: gets what was written and submitted.

        Raises:
            UserError: there is no sbatch here, or it refuses.
        """
        places = shared_places(self.runs)
        write_tasks(self.folder / _TASKS_FILE, [Task(run, places) for run in self.runs])
        name = self.runs[0].config.experiment_name
        before: str | None = None
        for number, script in enumerate(self.arrays):
            path = self.folder / (f"runs_{number}.sh" if number else "runs.sh")
            before = _submit(path, script, before)
            progress(Message(name, f"array job {before} trains: {path}"))
        path = self.folder / "evaluation.sh"
        progress(Message(name, f"job {_submit(path, self.evaluation, before)} evaluates after that: {path}"))
        progress(FileWritten(name, "what the jobs print", self.folder))


def slurm_jobs(runs: Sequence[Run], options: SlurmOptions) -> SlurmJobs:
    """The jobs that do what is left of a study; nothing is written.

    A task that SLURM requeues goes on where it was, and one that runs twice leaves the run to the other.

    Args:
        runs: of one experiment, checked.
        options: for SLURM.
    """
    config = runs[0].config
    folder = work_folder(config) / "slurm" / str(int(time.time()))
    at_once = "" if options.workers is None else f"%{options.workers}"
    resources = [
        *([] if options.num_cpus is None else [f"--cpus-per-task={options.num_cpus}"]),
        *([] if not options.num_gpus else [f"--gres=gpu:{options.num_gpus}"]),
    ]
    arrays = []
    for wave in waves(runs):
        if left := [number for number in wave if not is_trained(runs[number])]:
            array = in_ranges(left).replace("–", "-").replace(" ", "")
            directives = [f"--array={array}{at_once}", "--requeue", "--open-mode=append", *resources]
            command = '--number "$SLURM_ARRAY_TASK_ID"'
            arrays.append(_script(config.experiment_name, folder, "run_%a", directives, options, command))
    evaluation = _script(
        f"{config.experiment_name}-evaluation", folder, "evaluation", resources[:1], options, "--evaluate"
    )
    return SlurmJobs(runs, folder, arrays, evaluation)


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


def _script(
    name: str, folder: Path, output: str, directives: Sequence[str], options: SlurmOptions, command: str
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
            *([f"#SBATCH {options.further}"] if options.further else []),
            *exported,
            f"exec {shlex.quote(sys.executable)} -P -m kser worker --tasks {tasks} {command}",
            "",
        ]
    )


def _submit(path: Path, script: str, after: str | None) -> str:
    """Write a script and submit it; gives the number of its job."""
    write_text(path, script)
    dependency = [] if after is None else [f"--dependency=afterany:{after}"]
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
