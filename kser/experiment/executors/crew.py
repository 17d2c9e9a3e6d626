"""What hands runs to workers: the interface of all executors that wait for the runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kser.experiment.executors.task import Task
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import Event
from kser.experiment.study.results import RunResult


@dataclass(frozen=True)
class Happened:
    """Something happened in a run."""

    event: Event


@dataclass(frozen=True)
class Ended:
    """A worker is done with a run."""

    result: RunResult


@dataclass(frozen=True)
class Died:
    """A worker died with its run undone.

    Attributes:
        run: that it was at.
        how: in words, "was killed by signal 9".
    """

    run: Run
    how: str


Report = Happened | Ended | Died


class Crew(Protocol):
    """Workers, each of which does one run at a time."""

    def has_room_for(self, run: Run) -> bool:
        """Whether a worker is free that can do a run."""

    def begin(self, task: Task) -> None:
        """Hand a task to a free worker."""

    def reports(self) -> Sequence[Report]:
        """What has come from the workers since; waits for it, for a while."""
