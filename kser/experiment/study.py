"""A whole experiment on the command line: train every run, then evaluate, and say what came of it."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from kser.corpora.emotions import map_to_model
from kser.corpora.metadata import read_metadata
from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.evaluation.curves import plot_training_curves
from kser.experiment.augmenting import augmentation_plan
from kser.experiment.config_files import Experiment
from kser.experiment.evaluating import Evaluated, Evaluator
from kser.experiment.evaluation_csv import (
    EvaluationRow,
    evaluation_csvs,
    read_evaluation_csv,
    record_rows,
    recorded_rows,
)
from kser.experiment.evaluation_summary import summarise_evaluations
from kser.experiment.paths import evaluation_csv_folder, results_folder, work_folder
from kser.experiment.planning import Run, TestSet, plan_runs
from kser.experiment.run_data import load_run_data
from kser.experiment.schema import ExperimentConfig, ModelConfig
from kser.experiment.training_run import Outcome, do_run
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.reading import Progress
from kser.pipeline.utterances import OnBadAudio
from kser.training.progress import ProgressDisplay


def train_experiment(
    experiment: Experiment, console: Console, low_seed: int | None = None, high_seed: int | None = None
) -> Path:
    """Train all runs of an experiment, and evaluate them if it says so.

    Args:
        experiment: validated.
        console: where progress and results are shown.
        low_seed: first seed, in place of `cross_validation`.
        high_seed: last seed, included.

    Returns:
        The evaluation CSV, with the rows of all runs that are trained.

    Raises:
        UserError: a mistake in the data or settings; runs finished before stay.
    """
    runs = plan_runs(experiment, low_seed, high_seed)
    test_sets = [TestSet.of(dataset, experiment.folder) for dataset in experiment.config.datasets]
    _check_inputs(experiment, runs, test_sets)
    for number, run in enumerate(runs, start=1):
        title = f"[{number}/{len(runs)}] {run.title}"
        display = ProgressDisplay(escape(title), console, experiment.config.eval_metric)
        try:
            outcome = do_run(run, [display], reading_progress(console, escape(title)))
        finally:
            display.stop()
        if outcome is Outcome.ALREADY_THERE:
            console.print(f"{escape(title)}: is trained already", highlight=False)
        evaluation_csv = record_rows(
            evaluation_csv_folder(experiment.config), _evaluation_rows(run, test_sets)
        )
    console.print(f"evaluation CSV: {evaluation_csv}", soft_wrap=True, highlight=False, markup=False)
    if experiment.config.run_eval:
        evaluate(evaluation_csv, console, experiment.config.on_bad_audio, runs[0].audio_cache)
    if experiment.config.run_grapher:
        draw_curves(experiment.config, console)
    return evaluation_csv


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
        UserError: rows that cannot be evaluated, a line each; all others are done first.
    """
    csv_paths = evaluation_csvs(eval_path)
    rows = list(dict.fromkeys(row for path in csv_paths for row in read_evaluation_csv(path)))
    _check_outputs(rows, eval_path)
    evaluator = Evaluator(redo, on_bad_audio, audio_cache, by, reading_progress(console, "test set"))
    evaluated, mistakes = _evaluate_rows(rows, evaluator, console)
    if evaluated:
        name = eval_path.stem if eval_path.is_file() else "all"
        summarise_evaluations(evaluated, csv_paths[0].parent / "summary" / name, console)
    if mistakes:
        raise UserError("\n".join(mistakes))


def reading_progress(console: Console, title: str) -> Progress:
    """Shows how far the reading of a part's audio is, on a terminal, and goes when it is done."""

    def shown(lengths: Iterable[int | UserError], total: int) -> Iterable[int | UserError]:
        return track(
            lengths,
            description=f"{title}: reading audio",
            total=total,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    return shown


def _evaluate_rows(
    rows: Sequence[EvaluationRow], evaluator: Evaluator, console: Console
) -> tuple[list[Evaluated], list[str]]:
    evaluated: dict[int, Evaluated] = {}
    mistakes = []
    # By model, so that each is loaded once; told in the order of the CSV.
    for number in sorted(range(len(rows)), key=lambda i: (str(rows[i].model_path), i)):
        row = rows[number]
        try:
            evaluated[number] = evaluator.evaluate(row)
        except UserError as error:
            mistakes.append(f"{row.model_name} on {row.dataset_name}: {error}")
            continue
        done = evaluated[number]
        console.print(
            f"{escape(row.model_name)} on {escape(row.dataset_name)}, seed {done.report['seed']}: "
            f"UAR {done.report['uar']:.3f}{'' if done.done_now else ' (evaluated before)'}",
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


def _check_inputs(experiment: Experiment, runs: Sequence[Run], test_sets: Sequence[TestSet]) -> None:
    """What would stop a later run or the evaluation is told before hours of training."""
    mistakes = [
        f"{experiment.file}: datasets: {of.name}: eval_csv_path: no folder with a test.csv: {of.folder}"
        for of in test_sets
        if not of.test_csv.is_file()
    ]
    labels: dict[str, list[str]] = {}
    for run in runs:
        found = _mistakes_of(lambda run=run: labels.setdefault(run.model.name, load_run_data(run).labels))
        mistakes += found or _mistakes_of(augmentation_plan, run.experiment, run.seed)
    there = [test_set for test_set in test_sets if test_set.test_csv.is_file()]
    for model, test_set in product(experiment.models, there):
        mistakes += _mistakes_of(_check_test_set, test_set, model, labels.get(model.name))
    mistakes += _mistakes_of(_check_recorded_rows, experiment, runs, test_sets)
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))


def _check_test_set(test_set: TestSet, model: ModelConfig, labels: list[str] | None) -> None:
    """The metadata are right, and so are the names that its classes are given."""
    assert isinstance(model.output_column, str)
    table = read_metadata(test_set.test_csv, model.output_column, model.input_column)
    if labels is not None:
        row = EvaluationRow(
            model.name, test_set.name, Path(), test_set.folder, Path(), test_set.label_map, test_set.classes
        )
        map_to_model(
            table[model.output_column],
            labels,
            row.new_names(),
            row.kept_classes(),
            source=str(test_set.test_csv),
        )


def _check_recorded_rows(experiment: Experiment, runs: Sequence[Run], test_sets: Sequence[TestSet]) -> None:
    """An earlier start of the experiment must not have meant other test sets by the same names."""
    folder = evaluation_csv_folder(experiment.config)
    recorded = {row.eval_out_path: row for row in recorded_rows(folder)}
    for row in (row for run in runs for row in _evaluation_rows(run, test_sets)):
        other = recorded.get(row.eval_out_path, row)
        if other.test_set != row.test_set:
            raise UserError(
                f"{experiment.file}: datasets: {row.dataset_name}: is {_in_words(row)}, but the evaluation "
                f"CSV in {folder} has {_in_words(other)} under that name; give the test set another name"
            )


def _in_words(row: EvaluationRow) -> str:
    further = [f"{name} {getattr(row, name)}" for name in ("label_map", "classes") if getattr(row, name)]
    return ", ".join([str(row.eval_csv_path), *further])


def _mistakes_of(function: Callable[..., Any], *arguments: Any) -> list[str]:
    try:
        function(*arguments)
    except UserError as error:
        return str(error).splitlines()
    return []


def _evaluation_rows(run: Run, test_sets: Sequence[TestSet]) -> list[EvaluationRow]:
    own = TestSet(run.config.training_dataset.name, run.paths.split)
    return [
        EvaluationRow(
            run.model.name,
            of.name,
            run.paths.model,
            of.folder,
            run.paths.evaluation(of.name),
            of.label_map,
            of.classes,
        )
        for of in [own, *test_sets]
    ]
