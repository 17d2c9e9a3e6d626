"""Shows the events of a study on a console."""

from rich.console import Console

from kser.cli.evaluation_progress import EvaluationProgress
from kser.cli.study_progress import StudyProgress
from kser.console import loud, print_line, print_note, print_table
from kser.evaluation.summary import summary_header, summary_rows
from kser.experiment.evaluating.evaluation_summary import EvaluationSummary
from kser.experiment.execution.training_run import Outcome
from kser.experiment.runs.run_data import SKIPPED_FILE
from kser.experiment.runs.run_lock import holder_of_run
from kser.experiment.study.events import (
    EvaluationSummarised,
    Event,
    FileWritten,
    Note,
    RunEnded,
    RunStarted,
    StudyStarted,
    TestSetEvaluated,
    TestSetStarted,
)
from kser.experiment.study.results import RunResult
from kser.training.console_progress import ConsoleProgress, LiveLines


class StudyDisplay:
    """A `ProgressListener` that shows the events of a study, and those of its runs.

    As a context manager it takes its live lines away at the end, also of a study that is interrupted.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console):
        self.console = console
        self._lines = LiveLines(console)
        self._study: StudyProgress | None = None
        self._runs: dict[str, ConsoleProgress] = {}
        self._other = ConsoleProgress(self._lines)
        self._evaluation = EvaluationProgress(self._lines)

    def __enter__(self) -> "StudyDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        for shown in (self._other, *self._runs.values()):
            shown.stop()
        self._evaluation.stop()
        self._stop_study()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case StudyStarted():
                self._other.stop()
                self._study = StudyProgress(event.runs, self._lines)
            case RunStarted():
                prefix = f"[{event.number}/{event.of_runs}] "
                self._runs[event.run] = ConsoleProgress(self._lines, event.shown_metric, prefix)
                if self._study is not None:
                    self._study.start_run(event.run)
            case RunEnded():
                self._end_run(event.result)
            case Note():
                print_note(self.console, event.text)
            case FileWritten():
                print_line(self.console, f"{event.what}: {event.path}")
            case TestSetStarted():
                self._other.stop()
                self._evaluation.begin(event)
            case TestSetEvaluated():
                self._other.stop()
                before = "" if event.evaluated.is_new else " (evaluated before)"
                title = f"{self._evaluation.prefix}{event.run}"
                print_line(self.console, f"{title}: {event.evaluated.headline}{before}")
            case EvaluationSummarised():
                self._evaluation.stop()
                self._show_summary(event.summary)
            case _:
                self._shown(event)(event)

    def _shown(self, event: Event) -> ConsoleProgress:
        """The lines of the run that an event is of, or of a trial of its search."""
        of_trial = event.run.rpartition(", trial ")[0]
        return self._runs.get(event.run) or self._runs.get(of_trial) or self._other

    def _end_run(self, result: RunResult) -> None:
        run = result.run
        shown = self._runs.pop(run.title, self._other)
        shown.stop()
        title = f"{shown.prefix}{run.title}"
        match result.outcome:
            case Outcome.TRAINED:
                said = ": ".join(filter(None, ["trained", shown.result()]))
                print_line(self.console, f"{title}: {said}; model: {run.paths.model}")
                skipped = run.paths.split / SKIPPED_FILE
                if skipped.is_file():
                    print_note(self.console, f"{title}: left out audio files, see {skipped}")
            case Outcome.ALREADY_TRAINED:
                print_line(self.console, f"{title}: is trained already")
            case Outcome.ELSEWHERE:
                holder = holder_of_run(run.paths)
                who = f" ({holder})" if holder else ""
                print_line(self.console, f"{title}: another process is training it{who}")
            case None:
                print_note(self.console, f"{title}: {result.error}", style="red")
        if self._study is not None:
            trained = result.outcome is Outcome.TRAINED and shown.trained_from_the_start
            self._study.end_run(run, trained, failed=result.failed)
            if self._study.done == len(self._study.runs):
                self._stop_study()

    def _show_summary(self, summary: EvaluationSummary) -> None:
        with loud(self.console):
            for table in summary.tables:
                rows = summary_rows(table.summary, table.measures)
                print_table(self.console, table.title, summary_header(table.measures), rows, texts=2)
            for line in summary.warnings:
                print_line(self.console, line, style="bold red" if line.startswith("LEAK") else "yellow")
        print_line(self.console, f"summary: {summary.folder}")

    def _stop_study(self) -> None:
        if self._study is not None:
            self._study.stop()
