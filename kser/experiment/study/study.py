"""A whole experiment on the command line: train every run, then evaluate, and say what came of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.evaluation.curves import plot_training_curves
from kser.experiment.checking.input_checks import checked_inputs
from kser.experiment.checking.refusals import refusals
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.evaluating.evaluation_csv import (
    EvaluationRow,
    evaluation_csvs,
    read_evaluation_csv,
    record_rows,
)
from kser.experiment.evaluating.evaluation_summary import summarise_evaluations
from kser.experiment.evaluating.evaluator import EvaluatedRow, Evaluator
from kser.experiment.evaluating.test_sets import evaluation_rows
from kser.experiment.execution.training_run import ModelMistakeError, Outcome, TrainingFailedError, do_run
from kser.experiment.runs.paths import ERROR_FILE, evaluation_csv_folder, results_folder, work_folder
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.run_data import SKIPPED_FILE
from kser.experiment.runs.run_lock import waiting_for
from kser.experiment.runs.run_logs import RowFollower, run_logs
from kser.experiment.runs.trained_model import PROVENANCE_FILE
from kser.experiment.study.failures import Failure, told_at_the_end, unforeseen
from kser.experiment.study.study_progress import StudyProgress
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.utterances import OnBadAudio
from kser.training.console_progress import ConsoleProgress, LiveLines
from kser.training.events import reading_progress


def train_experiment(
    experiment: ExperimentDefinition,
    console: Console,
    low_seed: int | None = None,
    high_seed: int | None = None,
) -> Path | None:
    """Train all runs of an experiment, and evaluate them if it says so.

    Args:
        experiment: validated.
        console: where progress and results are shown.
        low_seed: first seed, in place of `cross_validation`.
        high_seed: last seed, included.

    Returns:
        The evaluation CSV, with the rows of all runs that are trained; `None` while none is.

    Raises:
        UserError: mistakes in the data or settings that can be told before training, at once; or what failed
            in training and evaluation, a line each, after all others are done. Runs that another process is
            doing are left to it.
    """
    runs = plan_runs(experiment, low_seed, high_seed)
    _check(experiment, runs, console)
    failures, evaluation_csv = _train_all(experiment, runs, console)
    mistakes = []
    if evaluation_csv is not None:
        console.print(f"evaluation CSV: {evaluation_csv}", soft_wrap=True, highlight=False, markup=False)
        mistakes = _evaluate_and_draw(experiment.config, evaluation_csv, console, runs[0].audio_cache)
    if lines := told_at_the_end(failures, len(runs), mistakes):
        raise UserError("\n".join(lines))
    return evaluation_csv


def _check(experiment: ExperimentDefinition, runs: Sequence[Run], console: Console) -> None:
    """What can be told before training, is."""
    inputs = checked_inputs(experiment, runs)
    if mistakes := refusals(runs, inputs.data):
        raise UserError("\n".join(mistakes))
    for note in inputs.notes:
        console.print(note, style="yellow", soft_wrap=True, highlight=False, markup=False)


def _train_all(
    experiment: ExperimentDefinition, runs: Sequence[Run], console: Console
) -> tuple[list[Failure], Path | None]:
    """Do all runs; what failed, and the evaluation CSV with the rows of what is trained."""
    csv_folder = evaluation_csv_folder(experiment.config)
    failures: list[Failure] = []
    hopeless: dict[str, Failure] = {}  # models of which no further run is begun
    evaluation_csv = None
    with StudyProgress(runs, LiveLines(console)) as progress:
        for number, run in enumerate(runs, start=1):
            if run.model.name in hopeless and not _is_trained(run):
                failure: Failure | None = replace(hopeless[run.model.name], run=run)
                progress.end_run(run, trained=False, failed=True)
            else:
                failure = _do(run, f"[{number}/{len(runs)}] ", progress)
            if failure is not None:
                failures.append(failure)
                if failure.of_the_model:
                    hopeless[run.model.name] = failure
            if _is_trained(run):
                with waiting_for(csv_folder):
                    evaluation_csv = record_rows(csv_folder, evaluation_rows(run))
    return failures, evaluation_csv


def _is_trained(run: Run) -> bool:
    return (run.paths.model / PROVENANCE_FILE).is_file()


def _do(run: Run, prefix: str, progress: StudyProgress) -> Failure | None:
    """Do a run; what made it fail, if it did."""
    console = progress.lines.console
    display = ConsoleProgress(progress.lines, run.shown_metric, prefix)
    outcome, failure = None, None
    progress.begin_run()
    try:
        with logs_of(run) as logs:
            outcome = do_run(run, logs, display)
    except TrainingFailedError as error:
        failure = Failure(run, str(error))
    except UserError as error:
        of_the_model = isinstance(error, ModelMistakeError)
        failure = Failure(run, str(error), begun=False, of_the_model=of_the_model)
    except Exception as error:
        # What nobody foresaw must not cost the runs after it.
        failure = Failure(run, unforeseen(error, run.paths.error))
    finally:
        display.stop()
    if failure is not None:
        console.print(f"{prefix}{run.title}: {failure.message}", style="red", highlight=False, markup=False)
    if outcome is not None:
        _tell(outcome, run, f"{prefix}{run.title}", display)
    trained_from_the_start = outcome is Outcome.TRAINED and display.trained_from_the_start
    progress.end_run(run, trained_from_the_start, failed=failure is not None)
    return failure


@contextmanager
def logs_of(run: Run) -> Iterator[list[RowFollower]]:
    """The callbacks of the logs that are asked for besides log.csv; each is told how the run ends."""
    logs = run_logs(run)
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


def _tell(outcome: Outcome, run: Run, title: str, display: ConsoleProgress) -> None:
    """Say in a line what came of a run that did not fail."""
    console = display.console
    if outcome is Outcome.TRAINED:
        said = f"{title}: trained: {display.result()}; model: {run.paths.model}"
        console.print(said, soft_wrap=True, highlight=False, markup=False)
        skipped = run.paths.split / SKIPPED_FILE
        if skipped.is_file():
            console.print(f"{title}: left out audio files, see {skipped}", style="yellow", markup=False)
    if outcome is Outcome.ALREADY_THERE:
        console.print(f"{escape(title)}: is trained already", highlight=False)
    if outcome is Outcome.ELSEWHERE:
        console.print(f"{escape(title)}: another process is at it", highlight=False)


def _evaluate_and_draw(
    config: ExperimentConfig, evaluation_csv: Path, console: Console, audio_cache: AudioCache | None
) -> list[str]:
    """Evaluate what is trained and draw its curves, as far as asked for; mistakes, a line each."""
    report = work_folder(config) / ERROR_FILE
    report.unlink(missing_ok=True)
    mistakes = []
    if config.run_eval:
        mistakes += _mistakes_of(
            lambda: evaluate(evaluation_csv, console, config.on_bad_audio, audio_cache), report
        )
    if config.run_grapher:
        mistakes += _mistakes_of(lambda: draw_curves(config, console), report)
    return mistakes


def _mistakes_of(step: Callable[[], None], report: Path) -> list[str]:
    """What keeps a step from its end; the steps after it are taken all the same."""
    try:
        step()
    except UserError as error:
        return str(error).splitlines()
    except Exception as error:
        return [unforeseen(error, report)]
    return []


def draw_curves(config: ExperimentConfig, console: Console) -> None:
    """Draw the training curves of all runs of an experiment into its results."""
    curves, notes = read_training_curves(work_folder(config))
    path = results_folder(config) / "training_curves.png"
    plot_training_curves(curves, path, title=config.experiment_name)
    for line in notes:
        console.print(line, style="yellow", highlight=False, markup=False)
    console.print(f"training curves: {path}", soft_wrap=True, highlight=False, markup=False)


def evaluate(
    eval_path: Path,
    console: Console,
    on_bad_audio: OnBadAudio = "error",
    audio_cache: AudioCache | None = None,
    by: Sequence[str] = (),
    redo: bool = False,
) -> None:
    """Evaluate every row of an evaluation CSV or of a folder of them, and summarise over seeds.

    Rows that were evaluated before are not evaluated again, unless their model or test set has changed or
    `redo` says so. The summary goes to the folder `summary` beside the CSV, see `summarise_evaluations`.

    Args:
        eval_path: the CSV or folder.
        console: where progress and results are shown.
        on_bad_audio: whether files that cannot be used are an error or are left out and listed.
        audio_cache: where decoded audio is kept, or `None`.
        by: columns of the test sets whose groups are compared, besides `gender`.
        redo: evaluate again what was evaluated before.

    Raises:
        UserError: rows that cannot be evaluated, for whatever reason, a line each; all others are done first.
            The traceback of what nobody foresaw is in error.txt of the row's folder.
    """
    csv_paths = evaluation_csvs(eval_path)
    rows = list(dict.fromkeys(row for path in csv_paths for row in read_evaluation_csv(path)))
    _check_outputs(rows, eval_path)
    display = ConsoleProgress(LiveLines(console))
    evaluator = Evaluator(redo, on_bad_audio, audio_cache, by, reading_progress(display, "test set"))
    try:
        evaluated, mistakes = _evaluate_rows(rows, evaluator, console)
    finally:
        display.stop()
    mistakes += [
        f"{eval_path}: --by {column}: no test set has this column"
        for column in by
        if evaluated and not any(column in done.report["subgroups"] for done in evaluated)
    ]
    if evaluated:
        name = eval_path.stem if eval_path.is_file() else "all"
        summarise_evaluations(evaluated, csv_paths[0].parent / "summary" / name, console)
    if mistakes:
        raise UserError("\n".join(mistakes))


def _evaluate_rows(
    rows: Sequence[EvaluationRow], evaluator: Evaluator, console: Console
) -> tuple[list[EvaluatedRow], list[str]]:
    evaluated: dict[int, EvaluatedRow] = {}
    mistakes = []
    # By model, so that each is loaded once; told in the order of the CSV.
    for number in sorted(range(len(rows)), key=lambda i: (str(rows[i].model_path), i)):
        row = rows[number]
        try:
            evaluated[number] = evaluator.evaluate(row)
        except UserError as error:
            mistakes.append(f"{row.model_name} on {row.dataset_name}: {error}")
            continue
        except Exception as error:
            # What nobody foresaw must not cost the rows after it.
            line = unforeseen(error, row.eval_out_path / ERROR_FILE)
            mistakes.append(f"{row.model_name} on {row.dataset_name}: {line}")
            continue
        (row.eval_out_path / ERROR_FILE).unlink(missing_ok=True)
        done = evaluated[number]
        console.print(
            f"{escape(row.model_name)} on {escape(row.dataset_name)}, seed {done.report['seed']}: "
            f"{escape(done.headline)}{'' if done.is_new else ' (evaluated before)'}",
            highlight=False,
        )
    return [evaluated[number] for number in sorted(evaluated)], mistakes


def _check_outputs(rows: Iterable[EvaluationRow], eval_path: Path) -> None:
    """Two evaluations must not write to one folder."""
    taken: dict[Path, EvaluationRow] = {}
    for row in rows:
        other = taken.setdefault(row.eval_out_path, row)
        if other != row:
            raise UserError(
                f"{eval_path}: eval_out_path {row.eval_out_path} stands in two rows: {other.model_name} on "
                f"{other.dataset_name} and {row.model_name} on {row.dataset_name}; each needs its own folder"
            )
