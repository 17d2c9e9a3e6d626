"""The rows of a corpus that a run may use, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from kser.corpora.emotions import map_labels
from kser.corpora.metadata import read_metadata
from kser.experiment.runs.planning import Run
from kser.experiment.tasks.target_values import labels_in, numbers_in
from kser.experiment.tasks.targets import Targets
from kser.files import is_there

# What `UsableRows.left_out` calls rows of a model of numbers that have none.
_WITHOUT_A_NUMBER = "without a number"


@dataclass(frozen=True)
class UsableRows:
    """The rows that a run may use, and what became of the others.

    Attributes:
        tables: metadata by part, classes named as the model names them; all as "train" where the parts have
            no files of their own.
        renamed: classes that `label_map` gave another name, with it.
        left_out: how many rows are not used, by class; or "without a number".
    """

    tables: dict[str, pd.DataFrame]
    renamed: dict[str, str]
    left_out: dict[str, int]


def usable_rows(run: Run, targets: Targets) -> UsableRows:
    """Rows with a class that is wanted; or with one number at least; or with labels, which are all.

    Raises:
        UserError: the metadata are wrong, or class names do not fit.
    """
    tables = {
        part: _metadata(path, targets, run.model.input_column) for part, path in metadata_files(run).items()
    }
    if targets.class_column is not None:
        return _of_wanted_classes(run, targets.class_column, tables)
    if targets.label_columns:
        return UsableRows(tables, {}, {})
    rated = {part: target_values(of, targets, part).notna().any(axis=1) for part, of in tables.items()}
    unrated = sum(int((~of).sum()) for of in rated.values())
    return UsableRows(
        {part: table[rated[part]] for part, table in tables.items()},
        {},
        {_WITHOUT_A_NUMBER: unrated} if unrated else {},
    )


def _of_wanted_classes(run: Run, column: str, tables: Mapping[str, pd.DataFrame]) -> UsableRows:
    dataset = run.config.training_dataset
    joined = pd.concat([table[column] for table in tables.values()], keys=list(tables))
    names = map_labels(joined, dataset.label_map, dataset.classes, source=str(run.data_csv))
    named = {
        part: table.assign(**{column: names.labels[part]})[names.labels[part].notna()]
        for part, table in tables.items()
    }
    return UsableRows(named, names.mapped, names.left_out)


def target_values(table: pd.DataFrame, targets: Targets, source: str) -> pd.DataFrame:
    """The numbers or labels of a table, float64, index of `table`; see `RunData.values`.

    Raises:
        UserError: cells that are none, a line for each column.
    """
    if targets.label_columns:
        return labels_in(table, targets.label_columns, source).astype(float)
    if targets.number_columns:
        return numbers_in(table, targets.number_columns, source)
    return pd.DataFrame(index=table.index)


def metadata_files(run: Run) -> dict[str, Path]:
    """The metadata of the corpus by part; where the parts have no files of their own, all as train."""
    split = run.config.training_dataset.split
    further = {"validation": split.validation_csv, "test": split.test_csv}
    return {"train": run.data_csv} | {
        part: run.input_file(csv) for part, csv in further.items() if csv is not None
    }


def _metadata(csv_path: Path, targets: Targets, input_column: str) -> pd.DataFrame:
    """The rows of a metadata file, once for all runs of a study."""
    changed_ns = csv_path.stat().st_mtime_ns if is_there(csv_path) else 0
    return _metadata_of_version(csv_path, changed_ns, targets, input_column)


@cache
def _metadata_of_version(
    csv_path: Path, changed_ns: int, targets: Targets, input_column: str
) -> pd.DataFrame:
    """The time of change sees to it that the table is up to date."""
    table = read_metadata(csv_path, targets.class_column or (), input_column)
    target_values(table, targets, str(csv_path))  # every cell that is wrong is told here
    return table
