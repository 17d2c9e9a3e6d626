"""What happens while a study runs, beside the events of its training runs (`kser.training.events`).

A `ProgressListener` gets them one by one, and may print, log or draw them:

    def progress(event):
        match event:
            case RunEnded():
                print(f"{event.run}: {event.result.status}")

`Event.run` is the title of a run, "wavlm, seed 0", or of an evaluation, "wavlm on EMOVO, seed 0"; in events
of all runs, the name of the experiment or of the evaluation CSV.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kser.experiment.evaluating.evaluation_summary import EvaluationSummary
from kser.experiment.evaluating.evaluator import EvaluatedRow
from kser.experiment.runs.planning import Run
from kser.experiment.study.results import RunResult
from kser.training.events import Event, ProgressListener


@dataclass(frozen=True)
class Note(Event):
    """Something worth knowing that is not a mistake."""

    text: str


@dataclass(frozen=True)
class StudyStarted(Event):
    """The runs of a study begin, in this order."""

    runs: Sequence[Run]


@dataclass(frozen=True)
class RunStarted(Event):
    """A run begins.

    Attributes:
        number: its place among the runs of the study, from 1.
        of_runs: how many these are.
        shown_metric: the validation metric to show.
    """

    number: int
    of_runs: int
    shown_metric: str


@dataclass(frozen=True)
class RunEnded(Event):
    """A run has ended, whatever its result."""

    result: RunResult


@dataclass(frozen=True)
class TestSetStarted(Event):
    """The evaluation of a model on a test set begins.

    Attributes:
        number: its place among the rows of the evaluation, from 1.
        of_rows: how many these are.
    """

    __test__ = False  # pytest takes the name for that of a test

    number: int
    of_rows: int


@dataclass(frozen=True)
class TestSetEvaluated(Event):
    """A model has been evaluated on a test set, now or before."""

    __test__ = False  # pytest takes the name for that of a test

    evaluated: EvaluatedRow


@dataclass(frozen=True)
class EvaluationSummarised(Event):
    """All evaluations are summarised."""

    summary: EvaluationSummary


@dataclass(frozen=True)
class FileWritten(Event):
    """A file or folder of the whole study was written.

    Attributes:
        what: what people call it, e.g. "training curves".
        path: where it is.
    """

    what: str
    path: Path


def ignore(event: Event) -> None:
    """A `ProgressListener` that does nothing."""


__all__ = [
    "EvaluationSummarised",
    "Event",
    "FileWritten",
    "Note",
    "ProgressListener",
    "RunEnded",
    "RunStarted",
    "StudyStarted",
    "TestSetEvaluated",
    "TestSetStarted",
    "ignore",
]
