"""By what the runs of a study are done: the options of `kser train` for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from kser.errors import UserError
from kser.experiment.executors.counts import too_small
from kser.words import as_option

if TYPE_CHECKING:
    from kser.experiment.config.definition import ExperimentDefinition
    from kser.experiment.study.executor import Executor


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
                mistakes.append(
                    f"{as_option(name)}: is for --executor {' or '.join(executors)}, got {self.executor}"
                )
        mistakes += [as_option(line) for line in too_small(self)]
        if "\n" in (self.slurm_options or ""):
            mistakes.append("--slurm-options: must be a single line")
        if mistakes:
            raise UserError("\n".join(mistakes))

    def train(self, experiment: "ExperimentDefinition", seeds: Iterable[int] | None, display: Any) -> None:
        """Train and evaluate an experiment, or have it done; Keras must have been imported."""
        from kser.experiment.study.study import train_experiment

        if self.executor is ExecutorName.SLURM:
            self._submit(experiment, seeds, display)
        else:
            train_experiment(experiment, seeds, display, self._executor())

    def _executor(self) -> "Executor | None":
        if self.executor is ExecutorName.RAY:
            from kser.experiment.executors.ray_cluster import RayExecutor

            return RayExecutor(self.ray_address, self.workers, self.num_cpus or 1, self.num_gpus or 0)
        from kser.experiment.executors.local import LocalExecutor

        return None if self.workers in (None, 1) else LocalExecutor(self.workers)

    def _submit(self, experiment: "ExperimentDefinition", seeds: Iterable[int] | None, display: Any) -> None:
        from kser.experiment.executors.slurm import SlurmExecutor
        from kser.experiment.study.study import checked_runs

        executor = SlurmExecutor(self.workers, self.num_cpus, self.num_gpus, self.slurm_options or "")
        jobs = executor.jobs(checked_runs(experiment, seeds, display))
        if self.dry_run:
            typer.echo("\n".join(jobs.scripts), nl=False)
        else:
            jobs.submit(display)
