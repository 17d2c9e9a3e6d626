"""What would stop a later run, or the evaluation, is told before hours of training."""

from collections.abc import Callable, Mapping, Sequence
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
from kser.experiment.further_test_sets import TestSet, evaluation_rows, further_test_sets
from kser.experiment.paths import evaluation_csv_folder
from kser.experiment.planning import Run
from kser.experiment.run_data import RunData, load_run_data, split_scheme
from kser.experiment.schema import ModelConfig

_SHOWN_SPLITS = 3


def check_inputs(experiment: Experiment, runs: Sequence[Run]) -> list[str]:
    """Read everything that the runs and their evaluation read, audio and checkpoints excepted.

    Args:
        experiment: validated.
        runs: of the experiment.

    Returns:
        What is no mistake and still worth knowing, a line each: classes left out or renamed, and those that a
        part has hardly any utterance of.

    Raises:
        UserError: every mistake, a line each.
    """
    test_sets = further_test_sets(experiment)
    mistakes = [
        f"{experiment.file}: datasets: {of.name}: eval_csv_path: no folder with a test.csv: {of.folder}"
        for of in test_sets
        if not of.test_csv.is_file()
    ]
    labels: dict[str, list[str]] = {}
    notes: list[str] = []
    thin: list[str] = []
    tested: dict[str, set[int]] = {}
    for run in runs:
        try:
            data = load_run_data(run)
            labels.setdefault(run.model.name, data.labels)
            notes += _notes(run, data)
            thin += _thin_classes(run, data)
            tested.setdefault(run.model.name, set()).add(run.seed)
            augmentation_plan(run.experiment, run.seed)
        except UserError as error:
            mistakes += str(error).splitlines()
    there = [test_set for test_set in test_sets if test_set.test_csv.is_file()]
    for model, test_set in product(experiment.models, there):
        mistakes += _mistakes_of(_check_test_set, test_set, model, labels.get(model.name))
    mistakes += _mistakes_of(_check_recorded_rows, experiment, runs)
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))
    notes += _untested_folds(runs, tested)
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


def _untested_folds(runs: Sequence[Run], tested: Mapping[str, set[int]]) -> list[str]:
    """For splits with folds: those that no seed tests on."""
    notes = []
    for run in {run.model.name: run for run in runs}.values():
        if run.config.training_dataset.split.by_files:
            continue
        scheme = split_scheme(run)
        folds = scheme.number_of_folds(load_run_data(run).table, str(run.data_csv))
        covered = len({seed % folds for seed in tested[run.model.name]}) if folds else 0
        if folds and covered < folds:
            notes.append(
                f"{run.model.name}: the seeds test on {covered} of the {folds} folds of {scheme.name}; "
                f"cross_validation: {folds} tests on every one"
            )
    return notes


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


def _check_recorded_rows(experiment: Experiment, runs: Sequence[Run]) -> None:
    """An earlier start of the experiment must not have meant other test sets by the same names."""
    folder = evaluation_csv_folder(experiment.config)
    recorded = {row.eval_out_path: row for row in recorded_rows(folder)}
    for row in (row for run in runs for row in evaluation_rows(run)):
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
