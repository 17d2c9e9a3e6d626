"""The work of one run as a value that any process can do, whatever started it."""

import time
from dataclasses import dataclass

from kser.errors import UserError
from kser.experiment.executors.shared_places import SharedPlaces
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import Event, ProgressListener
from kser.experiment.study.results import RunResult
from kser.experiment.study.training import train_run
from kser.training.events import AudioRead, BatchTrained

_REPORTED_EVERY_S = 0.25


@dataclass(frozen=True)
class Task:
    """A run and what it takes for granted; pickles to some kilobytes.

    Attributes:
        run: what is to be done.
        places: that must be the same where it is done.
    """

    run: Run
    places: SharedPlaces

    def do(self, progress: ProgressListener) -> RunResult:
        """Do the run in this process, or go on with it; whatever goes wrong is in the result.

        Args:
            progress: gets the events of the run, those that come in great numbers now and then.
        """
        try:
            self.places.enter()
        except UserError as error:
            return RunResult(self.run, None, str(error), "run")
        return train_run(self.run, NowAndThen(progress))


class NowAndThen:
    """A `ProgressListener` that passes on a few batches and files a second, and everything else."""

    def __init__(self, listener: ProgressListener):
        self.listener = listener
        self._passed_on_s = 0.0

    def __call__(self, event: Event) -> None:
        """Pass the event on, or leave it out."""
        match event:
            case BatchTrained():
                leaves_out = True
            case AudioRead():
                leaves_out = 1 < event.done < event.total
            case _:
                leaves_out = False
        now_s = time.monotonic()
        if leaves_out and now_s - self._passed_on_s < _REPORTED_EVERY_S:
            return
        self._passed_on_s = now_s
        self.listener(event)
