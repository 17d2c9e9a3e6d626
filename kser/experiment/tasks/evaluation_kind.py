"""What the evaluators of classes, numbers and labels have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.tasks.report_kinds import ReportKind
from kser.files import replacing

GENDER = "gender"


@dataclass(frozen=True)
class Heard:
    """The utterances of a test set that a model heard, and what it made of them.

    Attributes:
        table: their metadata, a row each.
        outputs: "logits" (utterances, labels), "values" (utterances, targets), or both.
        by: columns whose groups are compared besides `gender`.
        title: of figures.
        skipped: audio files that could not be used, with the reason.
    """

    table: pd.DataFrame
    outputs: dict[str, np.ndarray]
    by: Sequence[str]
    title: str
    skipped: dict[str, str]

    def groups(self, chosen: pd.Series) -> dict[str, list[str]]:
        """Values of the columns whose groups are compared, of some utterances (bool, their index)."""
        rows = self.table[chosen]
        return {column: rows[column].tolist() for column in dict.fromkeys([GENDER, *self.by])}

    def speakers(self, chosen: pd.Series) -> list[str]:
        """One speaker an utterance."""
        return list(self.table.loc[chosen, "actor"])


@dataclass(frozen=True)
class Findings:
    """What came of evaluating one kind of answer.

    Attributes:
        measures: what its report says of the results.
        predictions: columns for predictions.csv, one row an utterance that was heard.
        write: writes tables and figures to a folder.
    """

    measures: dict[str, Any]
    predictions: pd.DataFrame
    write: Callable[[Path], None]


class EvaluationKind(Protocol):
    """Evaluates one kind of answer: the class, numbers, or labels."""

    @property
    def report(self) -> ReportKind:
        """The report that it writes."""

    def truth(self, row: EvaluationRow, table: pd.DataFrame, model: Any) -> Any:
        """What is right, of every utterance of a test set, before any is heard.

        Args:
            row: what is evaluated.
            table: the metadata.
            model: the trained model.

        Raises:
            UserError: the table does not fit the model.
        """

    def findings(self, truth: Any, heard: Heard, model: Any) -> Findings:
        """The results.

        Args:
            truth: as `truth` gave it.
            heard: what was heard of the test set.
            model: the trained model.

        Raises:
            UserError: nothing that was heard can be judged.
        """

    def files(self, report: dict[str, Any]) -> list[str]:
        """Names of the files without which results on disk are not whole."""

    def headline(self, report: dict[str, Any]) -> str:
        """The result in a few words."""

    def warnings(self, report: dict[str, Any]) -> list[str]:
        """What a reader must know before believing the numbers, a line each."""


def write_csv(table: pd.DataFrame, path: Path, index: bool = False) -> None:
    """Write a table, whole or not at all."""
    with replacing(path) as draft:
        table.to_csv(draft, index=index)
