"""What happens while a study runs, as plain objects: whoever shows it, or acts on it, gets them one by one.

    def progress(event):
        match event:
            case Evaluated():
                print(f"{event.run}: {event.step}/{event.updates}: {event.validation}")
            case AudioRead():
                print(f"{event.run}: {event.done} of {event.total} files read")

`kser.training.console_progress` shows them on a terminal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kser.pipeline.reading import Item
from kser.pipeline.reading import Progress as ReadingProgress


@dataclass(frozen=True)
class Event:
    """Something happened.

    Attributes:
        run: title of the run it happened in, e.g. "wavlm, seed 0" or "wavlm, seed 0, trial 2/5".
    """

    run: str


@dataclass(frozen=True)
class Message(Event):
    """Something worth a line, e.g. the result of a hyper-parameter search."""

    text: str


@dataclass(frozen=True)
class AudioRead(Event):
    """A further recording was read or computed, before training or in an evaluation.

    Attributes:
        done: how many are.
        total: of how many.
        what: is done to them: "reading audio", "computing features", "predicting".
    """

    done: int
    total: int
    what: str = "reading audio"


@dataclass(frozen=True)
class Working(Event):
    """Something begins that may take a while and of which nobody knows how much there is to do.

    Attributes:
        what: such as "fitting a logistic regression".
    """

    what: str


@dataclass(frozen=True)
class TrainingEvent(Event):
    """Where a training run is.

    Attributes:
        step: updates made.
        updates: updates of the whole run.
        epoch: passes over the training part so far, fractional.
        epochs: passes of the whole run.
        loss: the newest mean training loss; `None` before the first is known.
        validation: the newest evaluation on the validation part, by metric: "loss", "uar", …
        utterances_per_s: the speed since this process began; `None` before its first batch.
        seconds: of training so far, those before an interruption included.
    """

    step: int
    updates: int
    epoch: float
    epochs: int
    loss: float | None
    validation: Mapping[str, float]
    utterances_per_s: float | None
    seconds: float


@dataclass(frozen=True)
class TrainingStarted(TrainingEvent):
    """Training begins, or continues where `step` is not 0; the first evaluation has been made.

    Attributes:
        description: what the training part consists of and how much of the model is trained.
    """

    description: str


@dataclass(frozen=True)
class BatchTrained(TrainingEvent):
    """A further batch was trained."""


@dataclass(frozen=True)
class Evaluated(TrainingEvent):
    """The model was evaluated on the validation part."""


@dataclass(frozen=True)
class TrainingEnded(TrainingEvent):
    """Training has ended; the model has its best weights.

    Attributes:
        best_step: the update after which the run's best metric was best.
        best_validation: the evaluation after that update.
        stopped_early: whether the run ended because nothing improved any more.
    """

    best_step: int
    best_validation: Mapping[str, float]
    stopped_early: bool


ProgressListener = Callable[[Event], None]
"""Called with each event, in the thread that trains: what takes long here delays the run."""


def reading_progress(
    listener: ProgressListener | None, run: str, what: str = "reading audio"
) -> ReadingProgress | None:
    """Reports the files of a part as they are read, as `AudioRead`; `None` where nobody listens."""
    if listener is None:
        return None

    def reported(found: Iterable[Item], total: int) -> Iterable[Item]:
        for done, item in enumerate(found, start=1):
            listener(AudioRead(run, done, total, what))
            yield item

    return reported
