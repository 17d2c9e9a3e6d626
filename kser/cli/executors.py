"""By what the runs of a study are done: the options of `kser train` for it."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from kser.errors import UserError


class ExecutorName(StrEnum):
    """What does the runs of a study."""

    LOCAL = "local"


@dataclass(frozen=True)
class Execution:
    """The options, as they were given.

    Raises:
        UserError: one is out of range, or has no effect on that executor.
    """

    executor: ExecutorName | None
    workers: int | None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UserError(f"--workers: must be at least 1, got {self.workers}")

    def trainer(self) -> Any:
        """A `Trainer` of `kser.experiment.study.training`; Keras must have been imported."""
        from kser.experiment.study.training import train_runs

        if self.workers in (None, 1):
            return train_runs
        from kser.experiment.executors.local import train_in_processes

        return partial(train_in_processes, workers=self.workers)
