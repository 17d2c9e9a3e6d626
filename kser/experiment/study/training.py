"""Training all runs of a study, one after the other; one that fails does not stop the others."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import record_rows
from kser.experiment.evaluating.test_sets import evaluation_rows
from kser.experiment.execution.training_run import ModelMistakeError, TrainingFailedError, do_run
from kser.experiment.runs.paths import evaluation_csv_folder
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_devices import run_devices
from kser.experiment.runs.run_lock import locked
from kser.experiment.runs.run_logs import RowFollower, run_logs
from kser.experiment.study.events import ProgressListener, RunEnded, RunStarted, StudyStarted
from kser.experiment.study.failures import record_unexpected
from kser.experiment.study.results import RunResult, is_trained
from kser.training.process_group import is_first, of_first


def train_runs(runs: Sequence[Run], progress: ProgressListener) -> list[RunResult]:
    """Train all runs; those that are trained already, or that another process is training, are passed over.

    After a mistake that every run of a model would meet no further run of that model is begun.

    Args:
        runs: of one experiment.
        progress: gets the events.

    Raises:
        UserError: this machine does not have the devices that the experiment asks for.
    """
    if not of_first(lambda: all(map(is_trained, runs))):
        run_devices(runs[0])
    progress(StudyStarted(runs[0].config.experiment_name, runs))
    results: list[RunResult] = []
    for number, run in enumerate(runs, start=1):
        progress(RunStarted(run.title, number, len(runs), run.shown_metric))
        results.append(_result_of(run, results, progress))
        progress(RunEnded(run.title, results[-1]))
    return results


def _result_of(run: Run, earlier: Sequence[RunResult], progress: ProgressListener) -> RunResult:
    """The result of a run after others, recorded; of several processes that of the first."""
    failed = of_first(lambda: None if is_trained(run) else hopeless(run, earlier))
    own = train_run(run, progress) if failed is None else failed

    def recorded() -> RunResult:
        record_trained([run])
        return own

    return of_first(recorded)


def hopeless(run: Run, results: Sequence[RunResult]) -> RunResult | None:
    """That a run fails, if one of the same model has met a mistake that every run of it would meet.

    Args:
        run: that has not begun.
        results: of other runs.
    """
    for result in results:
        if result.failed_at == "model" and result.run.model.name == run.model.name:
            return replace(result, run=run)
    return None


def record_trained(runs: Sequence[Run]) -> Path | None:
    """Add the evaluations of trained runs to the evaluation CSV of their experiment.

    Args:
        runs: of one experiment; those that are not trained are passed over.

    Returns:
        The CSV; `None` where no run is trained.
    """
    rows = [row for run in runs if is_trained(run) for row in evaluation_rows(run)]
    if not rows:
        return None
    folder = evaluation_csv_folder(runs[0].config)
    with locked(folder):
        return record_rows(folder, rows)


def train_run(run: Run, progress: ProgressListener) -> RunResult:
    """Train one run; whatever goes wrong is in its result.

    Args:
        run: which; one that is trained already is passed over.
        progress: gets the events of the run.
    """
    try:
        with logs_of(run) as logs:
            return RunResult(run, do_run(run, logs, progress))
    except TrainingFailedError as error:
        return RunResult(run, None, str(error), "training")
    except ModelMistakeError as error:
        return RunResult(run, None, str(error), "model")
    except UserError as error:
        return RunResult(run, None, str(error), "run")
    except Exception as error:
        # An unexpected error must not cost the runs after it.
        line = record_unexpected(error, run.paths.error) if is_first() else str(error)
        return RunResult(run, None, line, "training")


@contextmanager
def logs_of(run: Run) -> Iterator[list[RowFollower]]:
    """The callbacks of the logs that are asked for besides log.csv; each learns how the run ends.

    Of processes that train together only the first has any.
    """
    logs = run_logs(run) if is_first() else []
    status = "KILLED"
    try:
        yield logs
        status = "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:
        for log in logs:
            log.end(status)
