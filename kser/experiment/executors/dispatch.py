"""Handing the runs of a study to workers, and going on with those whose worker died."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kser.experiment.executors.crew import Crew, Died, Ended, Happened, Report
from kser.experiment.executors.run_order import runs_before
from kser.experiment.executors.shared_places import SharedPlaces
from kser.experiment.executors.task import Task
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import Event, ProgressListener, RunEnded, RunStarted, StudyStarted
from kser.experiment.study.results import RunResult, is_trained
from kser.experiment.study.training import hopeless, record_trained, train_run
from kser.training.events import AudioRead, Message, TrainingEvent

FRUITLESS_DEATHS = 5
"""So many workers may die at a run, one after the other, without getting further than those before."""


@dataclass
class _Attempts:
    """How far the workers came that a run was given to."""

    furthest: dict[tuple[str, str], int] = field(default_factory=dict)
    deaths_since_progress: int = 0
    _passes: dict[str, list[int]] = field(default_factory=dict)

    def begin(self) -> None:
        """Take notice that a worker begins."""
        self._passes = {}

    def follow(self, event: Event) -> None:
        """Take notice of an event: what no attempt has come to before is progress."""
        match event:
            case AudioRead():
                place, done = ("audio", event.run), self._files(event)
            case TrainingEvent():
                place, done = ("training", event.run), event.step
            case _:
                return
        if done > self.furthest.get(place, -1):
            self.furthest[place] = done
            self.deaths_since_progress = 0

    def _files(self, event: AudioRead) -> int:
        """How many files this attempt has done in all passes: they are read, then their features computed."""
        passes = self._passes.setdefault(event.run, [0])
        if event.done <= passes[-1]:
            passes.append(0)
        passes[-1] = event.done
        return sum(passes)


def dispatch(
    runs: Sequence[Run], crew: Crew, places: SharedPlaces, progress: ProgressListener
) -> list[RunResult]:
    """Have a crew do all runs that are neither trained already nor another process's.

    A run begins when the one whose model it continues has ended. After a mistake that every run of a model
    would meet no further run of that model begins.

    Args:
        runs: of one experiment.
        crew: does them.
        places: that all of its workers must have.
        progress: gets the events of the study.

    Returns:
        The results, in the order of the runs.
    """
    progress(StudyStarted(runs[0].config.experiment_name, runs))
    dispatcher = _Dispatcher(runs, crew, places, progress)
    while dispatcher.begin_what_can_begin():
        for report in crew.reports():
            dispatcher.take(report)
    return [dispatcher.results[number] for number in range(len(runs))]


class _Dispatcher:
    def __init__(self, runs: Sequence[Run], crew: Crew, places: SharedPlaces, progress: ProgressListener):
        self.runs = runs
        self.crew = crew
        self.places = places
        self.progress = progress
        self.results: dict[int, RunResult] = {}
        self._recorded = 0
        self._waiting = list(range(len(runs)))
        self._numbers = {run.title: number for number, run in enumerate(runs)}
        self._attempts: dict[int, _Attempts] = {}
        self._before = runs_before(runs)

    def begin_what_can_begin(self) -> bool:
        """Hand out what free workers can do, and say whether anything is left to wait for."""
        for number in list(self._waiting):
            if self._waits_for_its_model(number):
                continue
            run = self.runs[number]
            failed = None if is_trained(run) else hopeless(run, list(self.results.values()))
            if is_trained(run) or failed is not None:
                self._start(number)
                self._end(number, train_run(run, self.progress) if failed is None else failed)
            elif self.crew.has_room_for(run):
                self._start(number)
                self.crew.begin(Task(run, self.places))
        return len(self.results) < len(self.runs)

    def take(self, report: Report) -> None:
        """Act on what a worker reports."""
        match report:
            case Happened():
                self._follow(report.event)
            case Ended():
                self._end(self._numbers[report.result.run.title], report.result)
            case Died():
                self._bury(self._numbers[report.run.title], report)

    def _waits_for_its_model(self, number: int) -> bool:
        before = self._before[number]
        return before is not None and before not in self.results

    def _start(self, number: int) -> None:
        self._waiting.remove(number)
        is_first = number not in self._attempts
        self._attempts.setdefault(number, _Attempts()).begin()
        if is_first:
            run = self.runs[number]
            self.progress(RunStarted(run.title, number + 1, len(self.runs), run.shown_metric))

    def _follow(self, event: Event) -> None:
        # The title of a trial begins as that of its run.
        for number in (self._numbers.get(event.run), self._numbers.get(event.run.rpartition(", trial ")[0])):
            if number is not None:
                self._attempts[number].follow(event)
        self.progress(event)

    def _end(self, number: int, result: RunResult) -> None:
        self.results[number] = result
        self.progress(RunEnded(self.runs[number].title, result))
        # In the order of the runs, whatever that of their ends: then tables are those of a serial study.
        while self._recorded in self.results:
            record_trained([self.runs[self._recorded]])
            self._recorded += 1

    def _bury(self, number: int, death: Died) -> None:
        attempts = self._attempts[number]
        attempts.deaths_since_progress += 1
        if attempts.deaths_since_progress < FRUITLESS_DEATHS:
            self.progress(Message(death.run.title, f"its worker {death.how}; another one goes on with it"))
            self._waiting.insert(0, number)
            return
        error = f"its worker {death.how}, the fifth one that died without getting further"
        self._end(number, RunResult(death.run, None, error, "training"))
