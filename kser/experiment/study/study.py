"""A whole experiment: check it, train every run, evaluate, and draw the training curves."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.evaluation.curves import plot_training_curves
from kser.experiment.checking.input_checks import checked_inputs
from kser.experiment.checking.refusals import refusals
from kser.experiment.checking.sound_warnings import sound_warnings
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.evaluating.evaluation_summary import EvaluationSummary
from kser.experiment.runs.paths import ERROR_FILE, results_folder, work_folder
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.study.evaluation import evaluate
from kser.experiment.study.events import FileWritten, Note, ProgressListener, ignore
from kser.experiment.study.executor import Executor
from kser.experiment.study.failures import failure_summary, record_unexpected
from kser.experiment.study.results import IncompleteError, RunResult, StudyResult
from kser.experiment.study.training import record_trained, train_runs
from kser.training.events import Working, reading_progress
from kser.training.joining import join, processes_here
from kser.training.process_group import is_first, of_first

Result = TypeVar("Result")


def train_experiment(
    experiment: ExperimentDefinition,
    seeds: Iterable[int] | None = None,
    progress: ProgressListener | None = None,
    executor: Executor | None = None,
) -> StudyResult:
    """Train all runs of an experiment; evaluate them and draw their curves as it asks.

    Runs that are trained already are passed over, an interrupted one continues, and runs that another process
    is doing are left to it. Processes that were started together, say as the tasks of a step of SLURM, share
    each run where the experiment says `devices`.

    Args:
        experiment: validated.
        seeds: in place of those that the models and `cross_validation` say.
        progress: gets the events, see `kser.experiment.study.events`; `None` for silence.
        executor: does the runs; `None` for this process, one after the other.

    Raises:
        UserError: mistakes in the data or settings that can be found before training, at once.
        IncompleteError: what failed in training and evaluation, a line each, after all others are done.
    """
    if experiment.config.devices != 1 and processes_here() > 1:
        _join_others(experiment, executor)
    listener = progress if progress is not None and is_first() else ignore
    train = train_runs if executor is None else executor.train
    try:
        runs = of_first(lambda: checked_runs(experiment, seeds, listener))
        results = train(runs, listener)
        return of_first(lambda: evaluate_study(results, listener))
    except UserError:
        if is_first():
            raise
        raise UserError("") from None  # the first process says it


def _join_others(experiment: ExperimentDefinition, executor: Executor | None) -> None:
    """Do the runs together with the processes that were started with this one."""
    try:
        if executor is not None:
            raise UserError(
                f"devices: {processes_here()} processes were started to share each run, and an executor has "
                "runs done by others; leave one of them out, or set devices to 1"
            )
        join()
    except UserError as error:
        raise UserError(f"{experiment.source}: {error}") from error


def checked_runs(
    experiment: ExperimentDefinition, seeds: Iterable[int] | None, progress: ProgressListener
) -> list[Run]:
    """The runs of an experiment, after everything that can be found before training.

    Args:
        experiment: validated.
        seeds: in place of those that the models and `cross_validation` say.
        progress: gets what is worth knowing.

    Raises:
        UserError: mistakes in the data or settings.
    """
    name = experiment.config.experiment_name
    progress(Working(name, "reading metadata and splitting"))
    runs = plan_runs(experiment, seeds)
    inputs = checked_inputs(experiment, runs)
    if mistakes := refusals(runs, inputs.data):
        raise UserError("\n".join(mistakes))
    for note in [
        *inputs.notes,
        *sound_warnings(inputs, runs, reading_progress(progress, name, "comparing recordings")),
    ]:
        progress(Note(name, note))
    return runs


def evaluate_study(run_results: Sequence[RunResult], progress: ProgressListener) -> StudyResult:
    """Evaluate what the runs of an experiment have trained, and draw its curves, as the experiment asks.

    Args:
        run_results: of all runs.
        progress: gets the events.

    Raises:
        IncompleteError: the runs or evaluations that failed, a line each, after all others are done.
    """
    runs = [result.run for result in run_results]
    config = runs[0].config
    evaluation_csv = record_trained(runs)
    evaluation: EvaluationSummary | None = None
    mistakes: list[str] = []
    if evaluation_csv is not None:
        progress(FileWritten(config.experiment_name, "evaluation CSV", evaluation_csv))
        evaluation, mistakes = _evaluate_and_draw(runs[0], evaluation_csv, progress)
    result = StudyResult(run_results, evaluation_csv, evaluation)
    if lines := failure_summary(run_results, mistakes):
        raise IncompleteError("\n".join(lines), result)
    return result


def _evaluate_and_draw(
    run: Run, evaluation_csv: Path, progress: ProgressListener
) -> tuple[EvaluationSummary | None, list[str]]:
    """Evaluate what is trained and draw its curves, as far as asked for; and mistakes, a line each."""
    config = run.config
    report = work_folder(config) / ERROR_FILE
    report.unlink(missing_ok=True)
    evaluation: EvaluationSummary | None = None
    mistakes: list[str] = []
    if config.run_eval:
        cache = None if run.audio_cache is None else run.audio_cache.folder
        evaluation, mistakes = _attempt(
            lambda: evaluate(
                evaluation_csv, on_bad_audio=config.on_bad_audio, audio_cache=cache, progress=progress
            ),
            report,
        )
    if run.experiment.draws_curves:
        mistakes += _attempt(lambda: draw_curves(config, progress), report)[1]
    return evaluation, mistakes


def _attempt(step: Callable[[], Result], report: Path) -> tuple[Result | None, list[str]]:
    """The result of a step, as far as there is one, and what kept it from its end, in lines."""
    try:
        return step(), []
    except UserError as error:
        done = error.result if isinstance(error, IncompleteError) else None
        return done, str(error).splitlines()
    except Exception as error:
        return None, [record_unexpected(error, report)]


def draw_curves(config: ExperimentConfig, progress: ProgressListener) -> None:
    """Draw the training curves of all runs of an experiment into its results."""
    curves, notes = read_training_curves(work_folder(config))
    path = results_folder(config) / "training_curves.png"
    plot_training_curves(curves, path, title=config.experiment_name)
    for note in notes:
        progress(Note(config.experiment_name, note))
    progress(FileWritten(config.experiment_name, "training curves", path))
