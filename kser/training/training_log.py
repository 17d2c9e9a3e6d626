"""The log of a run: one row a logging or evaluation step, as CSV that graphs and people read."""

import csv
import io
from pathlib import Path

from kser.files import write_text

COLUMNS = (
    "step",
    "epoch",
    "loss",
    "learning_rate",
    "val_loss",
    "val_accuracy",
    "val_uar",
    "val_f1score",
    "seconds",
)
Row = dict[str, float | int | None]


class TrainingLog:
    """Appends rows to a CSV file; what a row has no value for stays empty.

    Columns: `step` updates done · `epoch` passes over the training part, fractional · `loss` mean training
    loss since the last row that has one · `learning_rate` of the next update · `val_loss`, `val_accuracy`,
    `val_uar`, `val_f1score` over the whole validation part · `seconds` of training so far.

    Args:
        path: of the CSV file. What stands there is replaced.
        rows: rows to begin with, when a run continues.
    """

    def __init__(self, path: Path, rows: list[Row] | None = None):
        self.path = path
        self.rows: list[Row] = list(rows or [])
        write_text(path, ",".join(COLUMNS) + "\n" + _csv(self.rows))

    def add(self, row: Row) -> None:
        """Append one row and write it to the file at once."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_csv([row]))


def _csv(rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_short(row.get(name)) for name in COLUMNS] for row in rows)
    return buffer.getvalue()


def _short(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.7g}"
