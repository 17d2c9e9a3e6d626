"""What would stop a later run, or the evaluation: found before hours of training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from kser.corpora.splits import PARTS
from kser.errors import UserError
from kser.experiment.checking.test_set_checks import check_test_part, check_test_set, known_heads
from kser.experiment.checking.training_notes import training_notes
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.evaluating.evaluation_csv import OPTIONAL_COLUMNS, EvaluationRow, recorded_rows
from kser.experiment.evaluating.test_sets import (
    TestSet,
    evaluation_rows,
    further_test_sets,
)
from kser.experiment.runs.augmenting import augmentation_plan
from kser.experiment.runs.continuing import earlier_model, learned_before
from kser.experiment.runs.mlflow_log import import_mlflow
from kser.experiment.runs.paths import evaluation_csv_folder
from kser.experiment.runs.planning import Run
from kser.experiment.runs.recording_keys import recording_keys
from kser.experiment.runs.run_data import RunData, load_run_data, split_scheme
from kser.files import is_there
from kser.grouping import grouped

_SHOWN_SPLITS = 3


@dataclass(frozen=True)
class MissingFile:
    """A metadata file that an experiment names and that does not exist.

    Attributes:
        dataset: name of the corpus or test set.
        path: of the CSV.
        message: the mistake that it is when the experiment is to run.
    """

    dataset: str
    path: Path
    message: str


@dataclass
class Inputs:
    """What the runs of an experiment and their evaluation read, audio and checkpoints excepted.

    Attributes:
        data: of each run whose data are right, by model and seed; runs of one split share one object.
        missing: metadata that do not exist.
        mistakes: a line each.
        notes: what is no mistake and still worth knowing, a line each.
    """

    data: dict[tuple[str, int], RunData] = field(default_factory=dict)
    missing: list[MissingFile] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def checked_inputs(experiment: ExperimentDefinition, runs: Sequence[Run]) -> Inputs:
    """Read everything that the runs and their evaluation read, audio and checkpoints excepted.

    Args:
        experiment: validated.
        runs: of the experiment.

    Raises:
        UserError: every mistake, a line each.
    """
    inputs = read_inputs(experiment, runs)
    mistakes = [*(file.message for file in inputs.missing), *inputs.mistakes]
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))
    return inputs


def read_inputs(experiment: ExperimentDefinition, runs: Sequence[Run], audio: bool = True) -> Inputs:
    """As `checked_inputs`, with the mistakes among what is returned.

    Args:
        experiment: validated.
        runs: of the experiment.
        audio: whether held-out recordings that an earlier model has learned are looked for by their sound,
            too; without, by the bytes of their files.
    """
    test_sets = further_test_sets(experiment)
    inputs = Inputs(
        missing=_missing_test_sets(experiment, test_sets) + _missing_metadata(runs), notes=experiment.notes()
    )
    _read_splits(inputs, runs, audio)
    present = [test_set for test_set in test_sets if test_set.test_csv.is_file()]
    heads = known_heads(inputs.data, runs)
    for model, test_set in product(experiment.models, present):
        mistakes = _mistakes_of(check_test_set, test_set, model, heads.get(model.name), inputs.notes)
        inputs.mistakes += mistakes
    for run in runs:
        data, head = inputs.data.get((run.model.name, run.seed)), heads.get(run.model.name)
        if data is not None and head is not None and not run.model.is_trained:
            inputs.mistakes += _mistakes_of(check_test_part, run, data, head)
    inputs.mistakes += _mistakes_of(_check_recorded_rows, experiment, runs)
    if experiment.config.mlflow is not None:
        inputs.mistakes += [f"{experiment.source}: {line}" for line in _mistakes_of(import_mlflow)]
    inputs.mistakes = list(dict.fromkeys(inputs.mistakes))
    if inputs.data and not inputs.mistakes:
        inputs.notes += [*_untested_folds(runs), *training_notes(inputs.data, runs)]
    inputs.notes = list(dict.fromkeys(inputs.notes))
    return inputs


def _missing_test_sets(experiment: ExperimentDefinition, test_sets: Sequence[TestSet]) -> list[MissingFile]:
    return [
        MissingFile(
            test_set.name,
            test_set.test_csv,
            f"{experiment.source}: datasets: {test_set.name}: eval_csv_path: file not found: "
            f"{test_set.test_csv}",
        )
        for test_set in test_sets
        if not test_set.test_csv.is_file()
    ]


def _missing_metadata(runs: Sequence[Run]) -> list[MissingFile]:
    """Of the training corpus; the same for all runs."""
    dataset = runs[0].config.training_dataset
    named = [dataset.data_csv, dataset.split.validation_csv, dataset.split.test_csv]
    paths = [runs[0].input_file(path) for path in named if path is not None]
    missing = [path for path in paths if not is_there(path)]
    return [MissingFile(dataset.name, path, f"{path}: file not found") for path in missing]


def _read_splits(inputs: Inputs, runs: Sequence[Run], audio: bool) -> None:
    """The data of every run, read once for all runs that have the same."""
    notes: list[str] = []
    thin: list[str] = []
    learned: list[str] = []
    read: dict[tuple[Any, ...], RunData] = {}
    missing = {file.message for file in inputs.missing}
    for run in runs:
        try:
            key = _what_data_follow_from(run)
            data = read.get(key)
            if data is None:
                data = read[key] = load_run_data(run)
                notes += _notes(run, data)
                thin += [f"{run.data_csv}, seed {run.seed}: {line}" for line in data.thin_spots()]
            inputs.data[run.model.name, run.seed] = data
            learned += _learned_before(run, data, audio)
        except UserError as error:
            inputs.mistakes += [line for line in str(error).splitlines() if line not in missing]
        inputs.mistakes += _mistakes_of(augmentation_plan, run.experiment, run.seed)
    inputs.notes += [*dict.fromkeys(notes), *_first_of(list(dict.fromkeys(thin))), *_first_of(learned)]


def _what_data_follow_from(run: Run) -> tuple[Any, ...]:
    """Runs for which this is the same have the same data."""
    model = run.model
    return (
        run.seed,
        model.task.targets,
        model.input_column,
        model.train_test_split,
        model.speaker_independent_scenario,
    )


def _notes(run: Run, data: RunData) -> list[str]:
    """What becomes of classes and rows that are not taken as they are."""
    notes = list(data.notes)
    if data.renamed:
        renamed = ", ".join(f"{old} → {new}" for old, new in data.renamed.items())
        notes.append(f"{run.data_csv}: classes by their new names: {renamed}")
    if data.left_out:
        left_out = ", ".join(f"{name} ({count})" for name, count in data.left_out.items())
        notes.append(f"{run.data_csv}: left out: {left_out}")
    return notes


def _learned_before(run: Run, data: RunData, audio: bool) -> list[str]:
    """Held-out recordings that the model which the run begins as was trained on."""
    if earlier_model(run.model) is None:
        return []
    held_out = {part: recording_keys(data.rows(part)["path"], by_sound=audio) for part in PARTS[1:]}
    return [
        f"{run.title}: {count} of {len(held_out[part])} recordings of the {part} part were in the training "
        f"of {run.model.model_path_or_name}: what is measured on them is no result"
        for part, count in learned_before(run.model, held_out).items()
    ]


def _untested_folds(runs: Sequence[Run]) -> list[str]:
    """For splits with folds: those that no seed tests on."""
    tested = grouped((run.model.name, run.seed) for run in runs)
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


def _check_recorded_rows(experiment: ExperimentDefinition, runs: Sequence[Run]) -> None:
    """An earlier start of the experiment must not have meant other test sets by the same names."""
    folder = evaluation_csv_folder(experiment.config)
    recorded = {row.eval_out_path: row for row in recorded_rows(folder)}
    for row in (row for run in runs for row in evaluation_rows(run)):
        other = recorded.get(row.eval_out_path, row)
        if other.test_set != row.test_set:
            raise UserError(
                f"{experiment.source}: datasets: {row.dataset_name}: is {_in_words(row)}, but the evaluation "
                f"CSV in {folder} has {_in_words(other)} under that name; give the test set another name"
            )


def _in_words(row: EvaluationRow) -> str:
    further = [f"{name} {getattr(row, name)}" for name in OPTIONAL_COLUMNS if getattr(row, name)]
    return ", ".join([str(row.eval_csv_path), *further])


def _mistakes_of(function: Callable[..., Any], *arguments: Any) -> list[str]:
    try:
        function(*arguments)
    except UserError as error:
        return str(error).splitlines()
    return []
