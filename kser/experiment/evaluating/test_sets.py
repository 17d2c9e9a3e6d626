"""The test sets of an experiment, and the evaluations that they ask for."""

import json
from dataclasses import dataclass
from pathlib import Path

from kser.experiment.config.dataset_config import EvaluationDataset
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.runs.planning import Run
from kser.files import resolve_input


@dataclass(frozen=True)
class TestSet:
    """A test set of an experiment.

    Attributes:
        name: what reports call it.
        folder: holds `test.csv`.
        label_map: new names of classes, as the evaluation CSV writes them; empty for none.
        classes: those that are kept, likewise; empty for all.
    """

    __test__ = False  # pytest takes the name for that of a test

    name: str
    folder: Path
    label_map: str = ""
    classes: str = ""

    @property
    def test_csv(self) -> Path:
        """Its metadata."""
        return self.folder / "test.csv"

    @classmethod
    def of(cls, dataset: EvaluationDataset, beside: Path) -> "TestSet":
        """The test set that a field of an experiment in the folder `beside` names."""
        new_names, kept = dataset.label_map, dataset.classes
        return cls(
            dataset.name,
            resolve_input(dataset.eval_csv_path, beside=beside),
            new_names if isinstance(new_names, str) else _as_cell(new_names),
            _as_cell(kept),
        )


def _as_cell(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def further_test_sets(experiment: ExperimentDefinition) -> list[TestSet]:
    """The test sets of an experiment, besides the test part of its corpus."""
    return [TestSet.of(dataset, experiment.folder) for dataset in experiment.config.datasets]


def evaluation_rows(run: Run) -> list[EvaluationRow]:
    """The evaluations of a run: on the test part of its corpus, then on the test sets."""
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
        for of in [own, *further_test_sets(run.experiment)]
    ]
