"""What does the runs of a study: this process, or what an executor hands them to."""

from collections.abc import Sequence
from typing import Protocol

from kser.experiment.runs.planning import Run
from kser.experiment.study.events import ProgressListener
from kser.experiment.study.results import RunResult


class Executor(Protocol):
    """Does runs; `kser.LocalExecutor` and `kser.RayExecutor` are some."""

    def train(self, runs: Sequence[Run], progress: ProgressListener) -> list[RunResult]:
        """Do all runs that are neither trained already nor another process's.

        Args:
            runs: of one experiment.
            progress: gets the events of the study.

        Returns:
            The results, in the order of the runs.
        """


class Submitter(Protocol):
    """Has another program do runs, and does not wait for them; `kser.SlurmExecutor` is one."""

    def submit(self, runs: Sequence[Run], progress: ProgressListener) -> list[str]:
        """Have all runs done that are not trained already, and evaluated.

        Args:
            runs: of one experiment, checked.
            progress: gets what was written and submitted.

        Returns:
            The numbers of the jobs, that of the evaluation last.
        """
