"""The log of a run: one row a logging or evaluation step, as CSV that graphs and people read."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from kser.files import write_text

CLASSIFICATION_MEASURES = ("val_loss", "val_accuracy", "val_uar", "val_f1score")
COLUMNS = ("step", "epoch", "loss", "learning_rate", *CLASSIFICATION_MEASURES, "seconds")
Row = dict[str, float | int | None]


class TrainingLog:
    """Appends rows to a CSV file; what a row has no value for stays empty.

    Columns: `step` updates done · `epoch` passes over the training part, fractional · `loss` mean training
    loss since the last row that has one · `learning_rate` of the next update · what evaluations measure over
    the whole validation part, `val_loss` and others · `seconds` of training so far.

    Args:
        path: of the CSV file; an existing one is replaced.
        rows: rows to begin with, when a run continues.
        measures: the columns of evaluations.
        on_disk: whether the file is written; of processes that train together only the first has one.
    """

    def __init__(
        self,
        path: Path,
        rows: list[Row] | None = None,
        measures: Sequence[str] = CLASSIFICATION_MEASURES,
        on_disk: bool = True,
    ):
        self.path = path
        self.on_disk = on_disk
        self.rows: list[Row] = list(rows or [])
        self.columns = ("step", "epoch", "loss", "learning_rate", *measures, "seconds")
        if on_disk:
            write_text(path, ",".join(self.columns) + "\n" + _csv(self.rows, self.columns))

    def add(self, row: Row) -> None:
        """Append one row and write it to the file at once."""
        self.rows.append(row)
        if not self.on_disk:
            return
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_csv([row], self.columns))


def _csv(rows: list[Row], columns: Sequence[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_short(row.get(name)) for name in columns] for row in rows)
    return buffer.getvalue()


def _short(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.7g}"
