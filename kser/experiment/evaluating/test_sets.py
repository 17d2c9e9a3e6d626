"""The test sets of an experiment, and the evaluations that they ask for."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from kser.corpora.metadata import Metadata, TableFormat, load_metadata
from kser.delimited import header_of
from kser.errors import UserError
from kser.experiment.config.dataset_config import EvaluationDataset
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.evaluating.evaluation_csv import EvaluationRow, test_csv_at
from kser.experiment.runs.planning import Run
from kser.experiment.tasks import Task
from kser.experiment.tasks.target import ClassChoice
from kser.files import read_text, resolve_input


@dataclass(frozen=True)
class TestSet:
    """A test set of an experiment.

    Attributes:
        name: what reports call it.
        path: its metadata, or a folder that has them as test.csv.
        choice: of its classes.
        table_format: how its metadata are taken.
    """

    __test__ = False  # pytest takes the name for that of a test

    name: str
    path: Path
    choice: ClassChoice = field(default_factory=ClassChoice)
    table_format: TableFormat = field(default_factory=TableFormat)

    @property
    def test_csv(self) -> Path:
        """Its metadata."""
        return test_csv_at(self.path)

    @classmethod
    def of(cls, dataset: EvaluationDataset, beside: Path, normalize: bool = True) -> "TestSet":
        """The test set that a field of an experiment in the folder `beside` names."""
        path = resolve_input(dataset.eval_csv_path, beside=beside)
        return cls(
            dataset.name,
            path,
            ClassChoice(dataset.label_map, dataset.classes, normalize),
            TableFormat(tuple(dataset.columns.items()), normalize),
        )


def read_test_set(test_csv: Path, task: Task, trained_on: str, table_format: TableFormat) -> Metadata:
    """The metadata of a test set, with the class if there is one; `Target.truth` reads the rest.

    Args:
        test_csv: the file.
        task: of the model.
        trained_on: the column with the audio in the model's training corpus. It counts where there is no
            column `path`, which kser writes.
        table_format: how the metadata are taken.

    Raises:
        UserError: the file is missing or has mistakes.
    """
    if not test_csv.is_file():
        raise UserError(
            f"{test_csv}: file not found; eval_csv_path is a metadata CSV, or a folder with test.csv"
        )
    columns = dict(table_format.columns)
    header = header_of(read_text(test_csv), ["path", *columns])
    is_usual = "path" in {columns.get(name, name) for name in header}
    return load_metadata(
        test_csv, task.class_column or (), "path" if is_usual else trained_on, table_format=table_format
    )


def further_test_sets(experiment: ExperimentDefinition) -> list[TestSet]:
    """The test sets of an experiment, besides the test part of its corpus."""
    config = experiment.config
    return [TestSet.of(dataset, experiment.folder, config.normalize_metadata) for dataset in config.datasets]


def evaluation_rows(run: Run) -> list[EvaluationRow]:
    """The evaluations of a run: on the test part of its corpus, then on the test sets."""
    normalize = run.config.normalize_metadata
    own = TestSet(
        run.config.training_dataset.name,
        run.paths.split,
        ClassChoice(normalize=normalize),
        TableFormat(normalize=normalize),
    )
    return [
        EvaluationRow(
            run.model.name,
            test_set.name,
            run.paths.model,
            test_set.path,
            run.paths.evaluation(test_set.name),
            _as_cell(test_set.choice.label_map),
            _as_cell(test_set.choice.classes),
            _as_cell(dict(test_set.table_format.columns) or None),
            "" if test_set.table_format.normalize else "false",
        )
        for test_set in [own, *further_test_sets(run.experiment)]
    ]


def _as_cell(value: object) -> str:
    """A value as the evaluation CSV has it: a name as it is, else JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
