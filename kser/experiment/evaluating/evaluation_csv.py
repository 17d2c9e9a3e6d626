"""The evaluation CSV: which model is evaluated on which test set, one row each."""

import csv
import io
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kser.checkpoints.named_checkpoints import named_checkpoint
from kser.corpora.metadata import TableFormat
from kser.delimited import DelimitedError, split_cells
from kser.errors import UserError
from kser.experiment.tasks.target import ClassChoice
from kser.files import is_there, read_text, resolve_input, visible_files, write_text
from kser.spreadsheets import as_meant, inert
from kser.strict_json import StrictJsonError, parse_json

COLUMNS = ("model_name", "dataset_name", "model_path", "eval_csv_path", "eval_out_path")
REQUIRED_COLUMNS = COLUMNS[:-1]
# Written only where a test set's classes or columns have other names, some are left out, or spellings count.
OPTIONAL_COLUMNS = ("label_map", "classes", "columns", "normalize_metadata")


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation.

    Attributes:
        model_name: what reports call the model; seeds of one model share it.
        dataset_name: what reports call the test set.
        model_path: folder of the model, or the short name or Hugging Face id of a published one; the folder
            of a model with its seeds, or of a study, for all trained models in it as one: the mean of what
            they say.
        eval_csv_path: metadata of the test set, or a folder that has them as test.csv.
        eval_out_path: folder for what the evaluation gives, see `default_out_path`.
        label_map: as the experiment's field of a test set, a name or a JSON object; empty for none.
        classes: likewise, a JSON list; empty for all.
        columns: likewise, a JSON object; empty for none.
        normalize_metadata: as the experiment's field; empty for true.
        further_models: those that a JSON list in the column `model_path` names after the first.
    """

    model_name: str
    dataset_name: str
    model_path: Path
    eval_csv_path: Path
    eval_out_path: Path
    label_map: str = ""
    classes: str = ""
    columns: str = ""
    normalize_metadata: str = ""
    further_models: tuple[Path, ...] = ()

    @property
    def models(self) -> tuple[Path, ...]:
        """All that the column `model_path` names."""
        return self.model_path, *self.further_models

    @property
    def title(self) -> str:
        """What people read: model and test set."""
        return f"{self.model_name} on {self.dataset_name}"

    @property
    def test_csv(self) -> Path:
        """The metadata of the test set."""
        return test_csv_at(self.eval_csv_path)

    @property
    def test_set(self) -> tuple[Path, ...]:
        """What is evaluated: the metadata and how they are taken."""
        return self.eval_csv_path, *(getattr(self, name) for name in OPTIONAL_COLUMNS)

    @property
    def class_choice(self) -> ClassChoice:
        """`label_map` and `classes` as values.

        Raises:
            UserError: they are not as they should be.
        """
        return ClassChoice(
            _label_map_of(self.label_map), _classes_of(self.classes), self.table_format.normalize
        )

    @property
    def table_format(self) -> TableFormat:
        """`columns` and `normalize_metadata` as values.

        Raises:
            UserError: they are not as they should be.
        """
        return TableFormat(_columns_of(self.columns), _switch_of(self.normalize_metadata))


def _label_map_of(cell: str) -> dict[str, str | None] | str | None:
    if not cell.startswith("{"):
        return cell or None
    mapping = _json_cell("label_map", cell)
    if not all(new is None or isinstance(new, str) for new in mapping.values()):
        raise UserError(f"label_map: {cell}: should name a class, or null, for each class")
    return mapping


def _classes_of(cell: str) -> list[str] | None:
    if not cell:
        return None
    names = _json_cell("classes", cell)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise UserError(f'classes: {cell}: should be a list such as ["anger", "joy"]')
    return names


def _columns_of(cell: str) -> tuple[tuple[str, str], ...]:
    columns = _json_cell("columns", cell) if cell else {}
    if not isinstance(columns, dict) or not all(isinstance(name, str) and name for name in columns.values()):
        raise UserError(f'columns: {cell}: should be an object such as {{"file": "path"}}')
    return tuple(columns.items())


def _switch_of(cell: str) -> bool:
    if cell.lower() not in ("", "true", "false"):
        raise UserError(f"normalize_metadata: {cell}: should be true or false")
    return cell.lower() != "false"


def _json_cell(column: str, text: str) -> Any:
    try:
        return parse_json(text)
    except StrictJsonError as error:
        raise UserError(f"{column}: {text}: {error}") from None


def test_csv_at(path: Path) -> Path:
    """The metadata of a test set, given as a CSV or as a folder that has them as test.csv."""
    is_csv = path.is_file() or (path.suffix.lower() == ".csv" and not path.is_dir())
    return path if is_csv else path / "test.csv"


def default_out_path(model_path: Path, dataset_name: str) -> Path:
    """Where results go if `eval_out_path` is empty: beside the model.

    It is evaluation/DATASET beside a folder that is called model, as training calls it and where it puts them
    too, and MODEL_evaluation/DATASET beside others, for a published model in the working folder.
    """
    if not model_path.is_absolute():
        return Path(f"{model_path.name}_evaluation", dataset_name).absolute()
    folder = "evaluation" if model_path.name == "model" else f"{model_path.name}_evaluation"
    return model_path.parent / folder / dataset_name


def read_evaluation_csv(path: Path) -> list[EvaluationRow]:
    """Read an evaluation CSV: separated by tabs, commas or semicolons, columns in any order.

    Relative paths are read from the CSV's folder, then from the working folder; `eval_out_path`, which may
    not exist yet, from the working folder.

    Raises:
        UserError: missing file, missing columns, or no rows; a line for each row with empty cells.
    """
    rows = _parse(path, read_text(path)).rows
    if not rows:
        raise UserError(f"{path}: has a header and no rows; a row for each evaluation is required")
    return rows


def evaluation_csvs(path: Path) -> list[Path]:
    """The evaluation CSVs that a path means: itself, or all in a folder by name.

    Raises:
        UserError: the path or CSVs in the folder are not found.
    """
    if not path.exists():
        raise UserError(f"{path}: file or folder not found")
    if not path.is_dir():
        return [path]
    found = visible_files(path, "*.csv")
    if not found:
        raise UserError(f"{path}: the folder holds no .csv file; training writes them to .../evaluation_csv")
    return found


def recorded_rows(folder: Path) -> list[EvaluationRow]:
    """The rows of the CSV that `record_rows` would add to; none where it does not exist.

    Raises:
        UserError: it cannot be read.
    """
    path = newest_csv(folder)
    return [] if path is None else _parse(path, read_text(path)).rows


def record_rows(folder: Path, rows: Iterable[EvaluationRow]) -> Path:
    """Add rows to the newest CSV of a folder, or to a new one named by the time.

    What the CSV holds stays as it is, a user's own columns and their order too.

    Args:
        folder: of an experiment.
        rows: those that it does not have yet are added.

    Returns:
        The CSV.
    """
    newest = newest_csv(folder)
    path = newest or folder / f"{int(time.time())}.csv"
    text = "\t".join(COLUMNS) + "\n" if newest is None else read_text(path).lstrip("\r\n")
    parsed = _parse(path, text)
    new = list(dict.fromkeys(row for row in rows if row not in parsed.rows))
    if new:
        header = list(parsed.header)
        wanted = [name for name in COLUMNS + OPTIONAL_COLUMNS if any(getattr(row, name) for row in new)]
        if further := [name for name in wanted if name not in header]:
            # Rows may be shorter than the header: those that the CSV has need no change.
            first, line_end, others = text.partition("\n")
            text = parsed.separator.join([first.rstrip("\r"), *further]) + line_end + others
            header += further
        buffer = io.StringIO()
        writer = csv.DictWriter(
            buffer,
            header,
            restval="",
            extrasaction="ignore",
            delimiter=parsed.separator,
            lineterminator="\n",
        )
        writer.writerows({name: inert(str(cell)) for name, cell in vars(row).items()} for row in new)
        write_text(path, text + ("" if text.endswith("\n") else "\n") + buffer.getvalue())
    return path


def newest_csv(folder: Path) -> Path | None:
    """The CSV with the latest time for its name; those that users named are theirs."""
    timed = [path for path in folder.glob("*.csv") if path.stem.isdecimal()]
    return max(timed, key=lambda path: int(path.stem), default=None)


class _Parsed(NamedTuple):
    header: list[str]
    rows: list[EvaluationRow]
    separator: str


def _parse(path: Path, text: str) -> _Parsed:
    """The contents of a CSV."""
    try:
        header, records, row_numbers, separator = split_cells(text, COLUMNS)
    except DelimitedError as error:
        raise UserError(f"{path}: {error}") from None
    _check_header(path, header)
    rows, mistakes = [], []
    for number, record in zip(row_numbers, records, strict=True):
        try:
            cells = dict(zip(header, map(as_meant, record), strict=False))
            rows.append(_row(cells, path.parent))
        except UserError as error:
            mistakes.append(f"{path}: row {number}: {error}")
    if mistakes:
        raise UserError("\n".join(mistakes))
    return _Parsed(header, rows, separator)


def _row(cells: Mapping[str, str], folder: Path) -> EvaluationRow:
    """A row of a CSV in a folder."""
    if empty := [column for column in REQUIRED_COLUMNS if not cells.get(column)]:
        raise UserError(f"{', '.join(empty)}: empty; one separator is between two cells")
    model_path, *further_models = _model_paths(cells["model_path"], folder)
    dataset_name = cells["dataset_name"]
    if out_cell := cells.get("eval_out_path"):
        out_path = resolve_input(out_cell)
    elif dataset_name in (".", "..") or re.search(r"[/\\\0]", dataset_name):
        raise UserError(f"eval_out_path: is required, because {dataset_name!r} cannot name a folder")
    elif further_models:
        raise UserError("eval_out_path: is required where model_path is a list")
    else:
        out_path = default_out_path(model_path, dataset_name)
    row = EvaluationRow(
        cells["model_name"],
        dataset_name,
        model_path,
        resolve_input(cells["eval_csv_path"], beside=folder),
        out_path,
        **{name: cells.get(name, "") for name in OPTIONAL_COLUMNS},
        further_models=tuple(further_models),
    )
    _ = row.class_choice  # raises where it is wrong
    return row


def _model_paths(cell: str, folder: Path) -> list[Path]:
    """The models of a cell: one, or a JSON list of several."""
    if not cell.startswith("["):
        return [_model_path(cell, folder)]
    names = _json_cell("model_path", cell)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise UserError(
            f'model_path: {cell}: should be a model, or a list such as ["results/a", "results/b"]'
        )
    return [_model_path(name, folder) for name in names]


def _model_path(cell: str, folder: Path) -> Path:
    """The folder of a model, or the name of a published one: a short name, or a hub id after `hf://`."""
    path = resolve_input(cell, beside=folder)
    is_name = cell.startswith("hf://") or named_checkpoint(cell) is not None
    return Path(cell.removeprefix("hf://")) if is_name and not is_there(path) else path


def _check_header(path: Path, header: list[str]) -> None:
    right = f"{', '.join(REQUIRED_COLUMNS)} and, if wanted, eval_out_path"
    if missing := [column for column in REQUIRED_COLUMNS if column not in header]:
        raise UserError(f"{path}: the header lacks {', '.join(missing)}; its columns are {right}")
    if repeated := [column for column in COLUMNS if header.count(column) > 1]:
        raise UserError(
            f"{path}: the header has {', '.join(repeated)} more than once; its columns are {right}"
        )
