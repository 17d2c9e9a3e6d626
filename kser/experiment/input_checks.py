"""What would stop a later run, or the evaluation, is told before hours of training."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from kser.corpora.emotions import map_to_model
from kser.corpora.metadata import read_metadata
from kser.corpora.splits import thin_classes
from kser.errors import UserError
from kser.experiment.augmenting import augmentation_plan
from kser.experiment.config_files import Experiment
from kser.experiment.evaluation_csv import EvaluationRow, recorded_rows
from kser.experiment.paths import evaluation_csv_folder
from kser.experiment.planning import Run
from kser.experiment.run_data import RunData, load_run_data
from kser.experiment.schema import ModelConfig
from kser.experiment.test_sets import TestSet, evaluation_rows

_SHOWN_SPLITS = 3


def check_inputs(experiment: Experiment, runs: Sequence[Run], test_sets: Sequence[TestSet]) -> list[str]:
    """Read everything that the runs and their evaluation read, audio and checkpoints excepted.

    Args:
        experiment: validated.
        runs: of the experiment.
        test_sets: of the experiment.

    Returns:
        What is no mistake and still worth knowing, a line each: classes left out or renamed, and those that a
        part has hardly any utterance of.

    Raises:
        UserError: every mistake, a line each.
    """
    mistakes = [
        f"{experiment.file}: datasets: {of.name}: eval_csv_path: no folder with a test.csv: {of.folder}"
        for of in test_sets
        if not of.test_csv.is_file()
    ]
    labels: dict[str, list[str]] = {}
    notes: list[str] = []
    thin: list[str] = []
    for run in runs:
        try:
            data = load_run_data(run)
            labels.setdefault(run.model.name, data.labels)
            notes += _notes(run, data)
            thin += _thin_classes(run, data)
            augmentation_plan(run.experiment, run.seed)
        except UserError as error:
            mistakes += str(error).splitlines()
    there = [test_set for test_set in test_sets if test_set.test_csv.is_file()]
    for model, test_set in product(experiment.models, there):
        mistakes += _mistakes_of(_check_test_set, test_set, model, labels.get(model.name))
    mistakes += _mistakes_of(_check_recorded_rows, experiment, runs, test_sets)
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))
    return [*dict.fromkeys(notes), *_first_of(list(dict.fromkeys(thin)))]


def _notes(run: Run, data: RunData) -> list[str]:
    """What becomes of classes and rows that are not taken as they are."""
    notes = []
    if data.renamed:
        renamed = ", ".join(f"{old} → {new}" for old, new in data.renamed.items())
        notes.append(f"{run.data_csv}: classes by their new names: {renamed}")
    if data.left_out:
        left_out = ", ".join(f"{name} ({count})" for name, count in data.left_out.items())
        notes.append(f"{run.data_csv}: left out: {left_out}")
    return notes


def _thin_classes(run: Run, data: RunData) -> list[str]:
    return [
        f"{run.data_csv}, seed {run.seed}: few utterances to judge a class by: {line}"
        for line in thin_classes(data.table, data.parts, data.label_column)
    ]


def _first_of(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN_SPLITS
    return lines if more <= 0 else [*lines[:_SHOWN_SPLITS], f"and {more} more parts of splits like that"]


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
    for row in (row for run in runs for row in evaluation_rows(run, test_sets)):
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
