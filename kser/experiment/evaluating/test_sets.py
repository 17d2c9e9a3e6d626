"""The test sets of an experiment, and the evaluations that they ask for."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from kser.experiment.config.dataset_config import EvaluationDataset
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.evaluating.evaluation_csv import EvaluationRow, test_csv_at
from kser.experiment.runs.planning import Run
from kser.experiment.tasks.target import ClassChoice
from kser.files import resolve_input


@dataclass(frozen=True)
class TestSet:
    """A test set of an experiment.

    Attributes:
        name: what reports call it.
        path: its metadata, or a folder that has them as test.csv.
        choice: of its classes.
    """

    __test__ = False  # pytest takes the name for that of a test

    name: str
    path: Path
    choice: ClassChoice = field(default_factory=ClassChoice)

    @property
    def test_csv(self) -> Path:
        """Its metadata."""
        return test_csv_at(self.path)

    @classmethod
    def of(cls, dataset: EvaluationDataset, beside: Path) -> "TestSet":
        """The test set that a field of an experiment in the folder `beside` names."""
        path = resolve_input(dataset.eval_csv_path, beside=beside)
        return cls(dataset.name, path, ClassChoice(dataset.label_map, dataset.classes))


def further_test_sets(experiment: ExperimentDefinition) -> list[TestSet]:
    """The test sets of an experiment, besides the test part of its corpus."""
    return [TestSet.of(dataset, experiment.folder) for dataset in experiment.config.datasets]


def evaluation_rows(run: Run) -> list[EvaluationRow]:
    """The evaluations of a run: on the test part of its corpus, then on the test sets."""
    own = TestSet(run.config.training_dataset.name, run.paths.split)
    return [
        EvaluationRow(
            run.model.name,
            test_set.name,
            run.paths.model,
            test_set.path,
            run.paths.evaluation(test_set.name),
            _as_cell(test_set.choice.label_map),
            _as_cell(test_set.choice.classes),
        )
        for test_set in [own, *further_test_sets(run.experiment)]
    ]


def _as_cell(value: object) -> str:
    """A value as the evaluation CSV has it: a name as it is, else JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
