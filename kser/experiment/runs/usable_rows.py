"""The rows of a corpus that a run may use, read and checked."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from kser.corpora.metadata import Metadata, TableFormat, load_metadata
from kser.corpora.normalization import speakers_alike
from kser.experiment.runs.planning import Run
from kser.experiment.tasks import Task
from kser.experiment.tasks.target import ClassChoice, SelectedRows
from kser.files import is_there


def usable_rows(run: Run) -> SelectedRows:
    """The rows from which the task of a run can learn, see `Target.select`.

    Returns:
        By part; all as "train" where the parts have no files of their own.

    Raises:
        UserError: the metadata are wrong, or class names do not fit.
    """
    task, dataset = run.model.task, run.config.training_dataset
    metadata = {
        part: _metadata(path, task, run.model.input_column, run.table_format)
        for part, path in metadata_files(run).items()
    }
    tables = {part: of_part.table for part, of_part in metadata.items()}
    notes = [note for of_part in metadata.values() for note in of_part.notes]
    if run.config.normalize_metadata:
        tables, taken = speakers_alike(tables)
        notes += [f"{run.data_csv}: {note}" for note in taken]
    choice = ClassChoice(dataset.label_map, dataset.classes, run.config.normalize_metadata)
    selected = task.targets[0].select(tables, choice, str(run.data_csv))
    return replace(selected, notes=tuple(notes))


def metadata_files(run: Run) -> dict[str, Path]:
    """The metadata of the corpus by part; where the parts have no files of their own, all as train."""
    split = run.config.training_dataset.split
    further = {"validation": split.validation_csv, "test": split.test_csv}
    return {"train": run.data_csv} | {
        part: run.input_file(csv) for part, csv in further.items() if csv is not None
    }


def _metadata(csv_path: Path, task: Task, input_column: str, table_format: TableFormat) -> Metadata:
    """The rows of a metadata file, once for all runs of a study."""
    changed_ns = csv_path.stat().st_mtime_ns if is_there(csv_path) else 0
    return _metadata_of_version(csv_path, changed_ns, task, input_column, table_format)


@cache
def _metadata_of_version(
    csv_path: Path, changed_ns: int, task: Task, input_column: str, table_format: TableFormat
) -> Metadata:
    """The time of change sees to it that the table is up to date."""
    metadata = load_metadata(csv_path, task.class_column or (), input_column, table_format=table_format)
    task.read(metadata.table, str(csv_path))  # names every wrong cell
    return metadata
