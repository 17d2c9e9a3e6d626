"""The evaluation CSV: which model is evaluated on which test set, one row each."""

import csv
import io
import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from kser.errors import UserError
from kser.files import resolve_input, write_text

COLUMNS = ("model_name", "dataset_name", "model_path", "eval_csv_path", "eval_out_path")


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation.

    Attributes:
        model_name: what reports call the model; seeds of one model share it.
        dataset_name: what reports call the test set.
        model_path: folder of the trained model.
        eval_csv_path: folder that holds `test.csv`.
        eval_out_path: folder for what the evaluation gives.
    """

    model_name: str
    dataset_name: str
    model_path: Path
    eval_csv_path: Path
    eval_out_path: Path

    @property
    def test_csv(self) -> Path:
        """The metadata of the test set."""
        return self.eval_csv_path / "test.csv"


def read_evaluation_csv(path: Path) -> list[EvaluationRow]:
    """Read an evaluation CSV (tab separated, columns in any order).

    Relative paths are read from the CSV's folder, then from the working folder; `eval_out_path`, which may
    not exist yet, from the working folder.

    Raises:
        UserError: missing file, missing columns or cells; names the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from None
    reader = csv.DictReader(io.StringIO(text), delimiter="\t")
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise UserError(
            f"{path}: lacks the columns {', '.join(missing)}; wants, tab separated: {' '.join(COLUMNS)}"
        )
    rows = []
    for number, cells in enumerate(reader, start=2):
        empty = [column for column in COLUMNS if not (cells[column] or "").strip()]
        if empty:
            raise UserError(
                f"{path}: row {number}: {', '.join(empty)} empty; columns are separated by one tab"
            )
        rows.append(
            EvaluationRow(
                cells["model_name"].strip(),
                cells["dataset_name"].strip(),
                resolve_input(cells["model_path"].strip(), beside=path.parent),
                resolve_input(cells["eval_csv_path"].strip(), beside=path.parent),
                resolve_input(cells["eval_out_path"].strip()),
            )
        )
    if not rows:
        raise UserError(f"{path}: has no rows")
    return rows


def evaluation_csvs(path: Path) -> list[Path]:
    """The evaluation CSVs that a path means: itself, or all in a folder by name.

    Raises:
        UserError: nothing is there.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    found = sorted(path.glob("*.csv"))
    if not found:
        raise UserError(f"{path}: the folder holds no .csv file")
    return found


def record_rows(folder: Path, rows: Iterable[EvaluationRow]) -> Path:
    """Add rows to the newest CSV of a folder, or to a new one named by the time.

    Args:
        folder: of an experiment.
        rows: what is to be there; rows that are there already are not repeated.

    Returns:
        The CSV.
    """
    existing = sorted(folder.glob("*.csv"))
    path = existing[-1] if existing else folder / f"{int(time.time())}.csv"
    before = read_evaluation_csv(path) if existing else []
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in dict.fromkeys([*before, *rows]))
    if not existing or path.read_text(encoding="utf-8-sig") != buffer.getvalue():
        write_text(path, buffer.getvalue())
    return path
