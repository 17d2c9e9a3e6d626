"""The evaluation CSV: which model is evaluated on which test set, one row each."""

import csv
import io
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kser.errors import UserError
from kser.experiment.tasks.target import ClassChoice
from kser.files import read_text, resolve_input, visible_files, write_text

COLUMNS = ("model_name", "dataset_name", "model_path", "eval_csv_path", "eval_out_path")
# Written only where a test set's classes have other names than the model's, or some are left out.
OPTIONAL_COLUMNS = ("label_map", "classes")


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation.

    Attributes:
        model_name: what reports call the model; seeds of one model share it.
        dataset_name: what reports call the test set.
        model_path: folder of the trained model.
        eval_csv_path: folder that holds `test.csv`.
        eval_out_path: folder for what the evaluation gives.
        label_map: as the experiment's field of a test set, a name or a JSON object; empty for none.
        classes: likewise, a JSON list; empty for all.
    """

    model_name: str
    dataset_name: str
    model_path: Path
    eval_csv_path: Path
    eval_out_path: Path
    label_map: str = ""
    classes: str = ""

    @property
    def test_csv(self) -> Path:
        """The metadata of the test set."""
        return self.eval_csv_path / "test.csv"

    @property
    def test_set(self) -> tuple[Path, str, str]:
        """What is evaluated: the folder and what is done to its classes."""
        return self.eval_csv_path, self.label_map, self.classes

    @property
    def class_choice(self) -> ClassChoice:
        """`label_map` and `classes` as values.

        Raises:
            UserError: they are not as they should be.
        """
        return ClassChoice(_label_map_of(self.label_map), _classes_of(self.classes))


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


def _json_cell(column: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{column}: {text}: not valid JSON: {error.msg}") from None


def read_evaluation_csv(path: Path) -> list[EvaluationRow]:
    """Read an evaluation CSV (tab separated, columns in any order).

    Relative paths are read from the CSV's folder, then from the working folder; `eval_out_path`, which may
    not exist yet, from the working folder.

    Raises:
        UserError: missing file, missing columns, or no rows; a line for each row with empty cells.
    """
    _, rows = _parse(path, read_text(path))
    if not rows:
        raise UserError(f"{path}: has a header and no rows; a row for each evaluation is wanted")
    return rows


def evaluation_csvs(path: Path) -> list[Path]:
    """The evaluation CSVs that a path means: itself, or all in a folder by name.

    Raises:
        UserError: nothing is there.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    found = visible_files(path, "*.csv")
    if not found:
        raise UserError(f"{path}: the folder holds no .csv file; training writes them to .../evaluation_csv")
    return found


def recorded_rows(folder: Path) -> list[EvaluationRow]:
    """What the CSV holds that `record_rows` would add to; nothing where there is none.

    Raises:
        UserError: it cannot be read.
    """
    path = _newest(folder)
    return [] if path is None else _parse(path, read_text(path))[1]


def record_rows(folder: Path, rows: Iterable[EvaluationRow]) -> Path:
    """Add rows to the newest CSV of a folder, or to a new one named by the time.

    What stands in the CSV stays as it is, a user's own columns and their order too.

    Args:
        folder: of an experiment.
        rows: what is to be there; rows that are there already are not repeated.

    Returns:
        The CSV.
    """
    newest = _newest(folder)
    path = newest or folder / f"{int(time.time())}.csv"
    text = "\t".join(COLUMNS) + "\n" if newest is None else read_text(path)
    header, recorded = _parse(path, text)
    new = list(dict.fromkeys(row for row in rows if row not in recorded))
    if new:
        wanted = [name for name in OPTIONAL_COLUMNS if any(getattr(row, name) for row in new)]
        if further := [name for name in wanted if name not in header]:
            # Rows may be shorter than the header: those that are there already need no change.
            first, line_end, others = text.partition("\n")
            text = "\t".join([first.rstrip("\r"), *further]) + line_end + others
            header += further
        buffer = io.StringIO()
        writer = csv.DictWriter(
            buffer, header, restval="", extrasaction="ignore", delimiter="\t", lineterminator="\n"
        )
        writer.writerows(vars(row) for row in new)
        write_text(path, text + ("" if text.endswith("\n") else "\n") + buffer.getvalue())
    return path


def _newest(folder: Path) -> Path | None:
    """The CSV with the latest time for its name; those that users named are theirs."""
    timed = [path for path in folder.glob("*.csv") if path.stem.isdecimal()]
    return max(timed, key=lambda path: int(path.stem), default=None)


def _parse(path: Path, text: str) -> tuple[list[str], list[EvaluationRow]]:
    """Header and rows; rows without any text, which spreadsheets leave, are passed over."""
    reader = csv.reader(io.StringIO(text), delimiter="\t", strict=True)
    rows, mistakes = [], []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        for record in reader:
            if not any(cell.strip() for cell in record):
                continue
            cells = dict.fromkeys(header, "") | {
                name: cell.strip() for name, cell in zip(header, record, strict=False)
            }
            if empty := [column for column in COLUMNS if not cells[column]]:
                mistakes.append(
                    f"{path}: row {reader.line_num}: {', '.join(empty)}: empty; one tab is between two cells"
                )
                continue
            row = EvaluationRow(
                cells["model_name"],
                cells["dataset_name"],
                resolve_input(cells["model_path"], beside=path.parent),
                resolve_input(cells["eval_csv_path"], beside=path.parent),
                resolve_input(cells["eval_out_path"]),
                cells.get("label_map", ""),
                cells.get("classes", ""),
            )
            try:
                _ = row.class_choice
            except UserError as error:
                mistakes.append(f"{path}: row {reader.line_num}: {error}")
                continue
            rows.append(row)
    except csv.Error as error:
        raise UserError(f"{path}: row {reader.line_num}: {error}; is a quotation mark missing?") from None
    if mistakes:
        raise UserError("\n".join(mistakes))
    return header, rows


def _check_header(path: Path, header: list[str]) -> None:
    wanted = f"the header is {' '.join(COLUMNS)}, separated by tabs"
    if missing := [column for column in COLUMNS if column not in header]:
        tabs = ", and no tab" if len(header) == 1 else ""
        raise UserError(f"{path}: the header lacks {', '.join(missing)}{tabs}; {wanted}")
    if repeated := [column for column in COLUMNS if header.count(column) > 1]:
        raise UserError(f"{path}: the header has {', '.join(repeated)} more than once; {wanted}")
