"""A whole experiment on the command line: train every run, then evaluate, and say what came of it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kser.corpora.metadata import read_metadata
from kser.errors import UserError
from kser.evaluation.summary import SUMMARY_HEADER, summarise, summary_markdown, summary_rows
from kser.experiment.config_files import Experiment
from kser.experiment.evaluating import Evaluated, Evaluator
from kser.experiment.evaluation_csv import (
    EvaluationRow,
    evaluation_csvs,
    read_evaluation_csv,
    record_rows,
    recorded_rows,
)
from kser.experiment.paths import evaluation_csv_folder
from kser.experiment.planning import Run, plan_runs
from kser.experiment.run_data import load_run_data
from kser.experiment.training_run import Outcome, do_run
from kser.files import replacing, resolve_input, write_text
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
    datasets = [
        (dataset.name, resolve_input(dataset.eval_csv_path, beside=experiment.folder))
        for dataset in experiment.config.datasets
    ]
    _check_inputs(experiment, runs, datasets)
    for number, run in enumerate(runs, start=1):
        title = f"[{number}/{len(runs)}] {run.title}"
        display = ProgressDisplay(escape(title), console, experiment.config.eval_metric)
        try:
            outcome = do_run(run, [display])
        finally:
            display.stop()
        if outcome is Outcome.ALREADY_THERE:
            console.print(f"{escape(title)}: is trained already", highlight=False)
        evaluation_csv = record_rows(
            evaluation_csv_folder(experiment.config), _evaluation_rows(run, datasets)
        )
    console.print(f"evaluation CSV: {evaluation_csv}", soft_wrap=True, highlight=False, markup=False)
    if experiment.config.run_eval:
        evaluate(evaluation_csv, console)
    return evaluation_csv


def evaluate(eval_path: Path, console: Console, redo: bool = False) -> None:
    """Evaluate every row of an evaluation CSV or of a folder of them, and summarise over seeds.

    Rows that were evaluated before are not evaluated again, unless their model or test set has changed or
    `redo` says so. The summary goes to the folder `summary` beside the CSV.

    Raises:
        UserError: rows that cannot be evaluated, a line each; all others are done first.
    """
    csv_paths = evaluation_csvs(eval_path)
    rows = list(dict.fromkeys(row for path in csv_paths for row in read_evaluation_csv(path)))
    _check_outputs(rows, eval_path)
    evaluated, mistakes = _evaluate_rows(rows, Evaluator(redo), console)
    if evaluated:
        name = eval_path.stem if eval_path.is_file() else "all"
        _report(evaluated, csv_paths[0].parent / "summary" / name, console)
    if mistakes:
        raise UserError("\n".join(mistakes))


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


def _report(evaluated: Sequence[Evaluated], path: Path, console: Console) -> None:
    """Show the summary and write it as CSV and Markdown."""
    # The names are the row's: results on disk may have been made under others. Runs count once, however
    # many rows evaluate them.
    results = pd.DataFrame(
        [
            {**done.report, "model_name": done.row.model_name, "dataset_name": done.row.dataset_name}
            for done in evaluated
        ]
    )
    summary = summarise(results.drop_duplicates(["model_name", "dataset_name", "model_path", "test_csv"]))
    table = Table(*SUMMARY_HEADER, title="UAR: unweighted average recall, WA: accuracy; mean ± SD over seeds")
    for cells in summary_rows(summary):
        table.add_row(*map(escape, cells))
    console.print(table)
    warnings = [line for done in evaluated for line in done.warnings]
    for line in warnings:
        console.print(
            escape(line), style="bold red" if line.startswith("LEAK") else "yellow", highlight=False
        )
    with replacing(path.with_suffix(".csv")) as draft:
        summary.to_csv(draft, index=False)
    notes = "".join(f"- {line}\n" for line in warnings)
    write_text(path.with_suffix(".md"), summary_markdown(summary) + (f"\n{notes}" if notes else ""))
    console.print(
        f"summary: {path.with_suffix('.csv')}, {path.with_suffix('.md')}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


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


def _check_inputs(experiment: Experiment, runs: Sequence[Run], datasets: Sequence[tuple[str, Path]]) -> None:
    """What would stop a later run or the evaluation is told before hours of training."""
    mistakes = []
    for name, folder in datasets:
        if not (folder / "test.csv").is_file():
            mistakes.append(
                f"{experiment.file}: datasets: {name}: eval_csv_path: no folder with a test.csv: {folder}"
            )
            continue
        for model in experiment.models:
            mistakes += _mistakes_of(
                read_metadata, folder / "test.csv", model.output_column, model.input_column
            )
    for run in runs:
        mistakes += _mistakes_of(load_run_data, run)
    mistakes += _mistakes_of(_check_recorded_rows, experiment, runs, datasets)
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))


def _check_recorded_rows(
    experiment: Experiment, runs: Sequence[Run], datasets: Sequence[tuple[str, Path]]
) -> None:
    """An earlier start of the experiment must not have meant other test sets by the same names."""
    folder = evaluation_csv_folder(experiment.config)
    recorded = {row.eval_out_path: row for row in recorded_rows(folder)}
    for row in (row for run in runs for row in _evaluation_rows(run, datasets)):
        other = recorded.get(row.eval_out_path, row)
        if other != row:
            raise UserError(
                f"{experiment.file}: datasets: {row.dataset_name}: is {row.eval_csv_path}, but the "
                f"evaluation CSV in {folder} has {other.eval_csv_path} under that name; give the test set "
                "another name"
            )


def _mistakes_of(function: Callable[..., Any], *arguments: Any) -> list[str]:
    try:
        function(*arguments)
    except UserError as error:
        return str(error).splitlines()
    return []


def _evaluation_rows(run: Run, datasets: Sequence[tuple[str, Path]]) -> list[EvaluationRow]:
    own_test = (run.config.training_dataset.name, run.paths.split)
    return [
        EvaluationRow(run.model.name, name, run.paths.model, folder, run.paths.evaluation(name))
        for name, folder in [own_test, *datasets]
    ]
