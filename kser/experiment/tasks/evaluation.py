"""From what is right of a test set, and what a model said, to results: one path for every kind of answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from kser.corpora.genders import UNKNOWN
from kser.errors import UserError
from kser.experiment.tasks.report_kinds import ReportKind

GENDER = "gender"


@dataclass(frozen=True)
class Truth:
    """What is right of every utterance of a test set.

    Attributes:
        values: a row each, a column for each of those that a model learned; NaN where nothing is known.
        facts: what the report says of how they were found.
    """

    values: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Predictions:
    """What a model said of the utterances of a test set.

    Attributes:
        table: their metadata, a row each.
        decoded: by the names of the model's outputs, such as "logits" and "values", what
            `Evaluation.decode` makes of them: probabilities (utterances, labels), values (utterances,
            targets).
        group_columns: columns whose groups are compared besides `gender`.
        title: of figures.
        skipped: audio files that could not be used, with the reason.
        calibration: of the model, see `Provenance`.
    """

    table: pd.DataFrame
    decoded: dict[str, np.ndarray]
    group_columns: Sequence[str]
    title: str
    skipped: dict[str, str]
    calibration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What is right of some utterances beside what a model said of them.

    Attributes:
        table: their metadata, a row each.
        true: what is right, index of `table`.
        predicted: float64 (utterances, len(names)).
        names: what the columns of `predicted` are called.
        group_columns: columns whose groups are compared besides `gender`.
        title: of figures.
        temperature: of the model's probabilities; `None` where it is not known.
    """

    table: pd.DataFrame
    true: pd.DataFrame
    predicted: np.ndarray
    names: list[str]
    group_columns: Sequence[str]
    title: str
    temperature: float | None = None

    def where_known(self) -> "Comparison":
        """Only the utterances of which something is known."""
        known = self.true.notna().any(axis=1)
        return replace(
            self,
            table=self.table[known],
            true=self.true[known],
            predicted=self.predicted[known.to_numpy()],
        )

    @property
    def speakers(self) -> list[str]:
        """One speaker an utterance."""
        return list(self.table["actor"])

    @property
    def groups(self) -> dict[str, list[str]]:
        """Values of the columns whose groups are compared, one an utterance; empty for no group."""
        columns = dict.fromkeys([GENDER, *self.group_columns])
        return {column: list(self.table[column].replace(UNKNOWN, "")) for column in columns}


@dataclass(frozen=True)
class EvaluationResult:
    """The results of one kind of answer.

    Attributes:
        measures: what its report says of the results.
        predictions: columns for predictions.csv, one row an utterance that the model was given.
        write: writes tables and figures to a folder.
    """

    measures: dict[str, Any]
    predictions: pd.DataFrame
    write: Callable[[Path], None]


class Evaluation(ABC):
    """Evaluates one kind of answer: the class, numbers, or labels."""

    report: ClassVar[ReportKind]
    """The report that it writes."""
    answer: ClassVar[str]
    """What an utterance must have to count: "a number"."""
    activation: ClassVar[Literal["softmax", "sigmoid"] | None] = None
    """What `decode` does to outputs, for graphs that other runtimes compute; `None` for nothing."""

    def evaluate(
        self, truth: Truth, predictions: Predictions, output: str, names: list[str]
    ) -> EvaluationResult:
        """The results.

        Args:
            truth: of the test set.
            predictions: what a model said of it, or of those of its recordings that can be used.
            output: the output that is judged.
            names: what its values are called, in order.

        Raises:
            UserError: nothing that was predicted can be judged.
        """
        table = predictions.table
        every = Comparison(
            table,
            truth.values.loc[table.index],
            predictions.decoded[output],
            names,
            predictions.group_columns,
            predictions.title,
            predictions.calibration.get(output, {}).get("temperature"),
        )
        known = every.where_known()
        if known.table.empty:
            columns = ", ".join(map(str, truth.values))
            raise UserError(f"{columns}: no utterance that can be used has {self.answer}")
        measures = self.measures(known)
        return EvaluationResult(
            measures | {"n_excluded": len(truth.values) - len(known.table)} | truth.facts,
            self.columns(every),
            partial(self.write, known, measures),
        )

    @abstractmethod
    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """The model's output as it is judged, say probabilities instead of logits."""

    def said(self, decoded: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
        """What the model says of one utterance, by the fields of a `kser.serving.prediction.Prediction`.

        Here a number by each name.

        Args:
            decoded: its row of what `decode` gave.
            names: what its values are called, in order.
        """
        return {"values": {name: float(value) for name, value in zip(names, decoded, strict=True)}}

    @abstractmethod
    def measures(self, known: Comparison) -> dict[str, Any]:
        """What the report says, of utterances of which something is known."""

    @abstractmethod
    def columns(self, every: Comparison) -> pd.DataFrame:
        """Columns for predictions.csv."""

    @abstractmethod
    def write(self, known: Comparison, measures: dict[str, Any], folder: Path) -> None:
        """Write tables and figures of utterances of which something is known."""

    @abstractmethod
    def needed_files(self, report: dict[str, Any]) -> list[str]:
        """Names of the files without which results on disk are not whole."""

    @abstractmethod
    def headline(self, report: dict[str, Any]) -> str:
        """The result in a few words."""

    @abstractmethod
    def warnings(self, report: dict[str, Any]) -> list[str]:
        """What a reader must know before believing the numbers, a line each."""
