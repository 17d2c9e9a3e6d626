"""By what the runs of a study are done: the options of `kser train` for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from kser.errors import UserError

if TYPE_CHECKING:
    from kser.experiment.config.definition import ExperimentDefinition


class ExecutorName(StrEnum):
    """What does the runs of a study."""

    LOCAL = "local"
    RAY = "ray"
    SLURM = "slurm"


_OF_EXECUTORS = {
    "num_cpus": (ExecutorName.RAY, ExecutorName.SLURM),
    "num_gpus": (ExecutorName.RAY, ExecutorName.SLURM),
    "ray_address": (ExecutorName.RAY,),
    "slurm_options": (ExecutorName.SLURM,),
    "dry_run": (ExecutorName.SLURM,),
}
_LEAST = {"workers": 1, "num_cpus": 1, "num_gpus": 0}


@dataclass(frozen=True)
class Execution:
    """The options, as they were given.

    Raises:
        UserError: one is out of range, or has no effect on that executor.
    """

    executor: ExecutorName
    workers: int | None
    num_cpus: int | None
    num_gpus: int | None
    ray_address: str | None
    slurm_options: str | None
    dry_run: bool

    def __post_init__(self) -> None:
        mistakes = []
        for name, executors in _OF_EXECUTORS.items():
            if getattr(self, name) not in (None, False) and self.executor not in executors:
                mistakes.append(f"--{name}: is for --executor {' or '.join(executors)}, got {self.executor}")
        for name, least in _LEAST.items():
            given = getattr(self, name)
            if given is not None and given < least:
                mistakes.append(f"--{name}: must be at least {least}, got {given}")
        if "\n" in (self.slurm_options or ""):
            mistakes.append("--slurm_options: must be a single line")
        if mistakes:
            raise UserError("\n".join(mistakes))

    def train(self, experiment: "ExperimentDefinition", seeds: Iterable[int] | None, display: Any) -> None:
        """Train and evaluate an experiment, or have it done; Keras must have been imported."""
        from kser.experiment.study.study import train_experiment

        if self.executor is ExecutorName.SLURM:
            self._submit(experiment, seeds, display)
        else:
            train_experiment(experiment, seeds, display, self._trainer())

    def _trainer(self) -> Any:
        """A `Trainer` of `kser.experiment.study.training`."""
        if self.executor is ExecutorName.RAY:
            from kser.experiment.executors.ray_cluster import RayOptions, train_on_ray

            options = RayOptions(self.ray_address, self.workers, self.num_cpus or 1, self.num_gpus or 0)
            return partial(train_on_ray, options=options)
        if self.workers in (None, 1):
            from kser.experiment.study.training import train_runs

            return train_runs
        from kser.experiment.executors.local import train_in_processes

        return partial(train_in_processes, workers=self.workers)

    def _submit(self, experiment: "ExperimentDefinition", seeds: Iterable[int] | None, display: Any) -> None:
        from kser.experiment.executors.slurm import SlurmOptions, slurm_jobs
        from kser.experiment.study.study import checked_runs

        options = SlurmOptions(self.workers, self.num_cpus, self.num_gpus, self.slurm_options or "")
        jobs = slurm_jobs(checked_runs(experiment, seeds, display), options)
        if self.dry_run:
            typer.echo("\n".join([*jobs.arrays, jobs.evaluation]), nl=False)
        else:
            jobs.submit(display)
