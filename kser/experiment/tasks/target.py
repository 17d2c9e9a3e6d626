"""One thing that a model learns to say of an utterance: a class, numbers, labels."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from kser.experiment.tasks.evaluation import Evaluation, Truth


@dataclass(frozen=True)
class ClassChoice:
    """Which classes of a data set are used, and what they are called.

    Attributes:
        label_map: new names by the names in the data set, or the name of a table of them, see
            `kser.corpora.emotions.map_labels`; `None` for none.
        classes: those that are kept, as they are called then; `None` for all.
        normalize: whether spellings of a class are taken for one another.
    """

    label_map: Mapping[str, str | None] | str | None = None
    classes: Sequence[str] | None = None
    normalize: bool = True


@dataclass(frozen=True)
class SelectedRows:
    """The rows that a run may use, and what became of the others.

    Attributes:
        tables: metadata by part, classes named as the model names them.
        renamed: classes that were given another name, with it.
        left_out: how many rows are not used, by class or by another reason.
        notes: what in the metadata was taken for what, a line each.
    """

    tables: dict[str, pd.DataFrame]
    renamed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target(ABC):
    """One thing that a model learns to say of an utterance.

    Values of a target are a table with a row for each utterance and a column for each of `columns`. The head
    of a model is a dict of those arguments of its class that say what it is for, such as `labels`.

    Attributes:
        columns: of the metadata, that hold what is learned.
    """

    columns: tuple[str, ...]

    output: ClassVar[str]
    """The model's output that answers it."""

    @property
    @abstractmethod
    def evaluation(self) -> Evaluation:
        """How answers are judged, and the report of that."""

    @property
    def class_column(self) -> str | None:
        """The column with the class by which utterances are counted and splits are stratified, if any."""
        return None

    @abstractmethod
    def read(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        """The values in a metadata table, checked.

        Args:
            table: as `kser.corpora.metadata.read_metadata` gives it.
            source: what to call the table in messages: its file.

        Raises:
            UserError: a column is missing, or cells are not as they should be, a line each.
        """

    def select(self, tables: Mapping[str, pd.DataFrame], choice: ClassChoice, source: str) -> SelectedRows:
        """The rows from which something can be learned; here all.

        Args:
            tables: metadata by part.
            choice: of classes; only a target with a class takes notice of it.
            source: what to call the tables in messages.

        Raises:
            UserError: the choice does not fit the tables.
        """
        return SelectedRows(dict(tables))

    @abstractmethod
    def head(self, values: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
        """The head of a model that learns these values.

        Args:
            values: of all utterances that are used.
            parts: for each, "train", "validation" or "test".
        """

    @abstractmethod
    def typical_head(self) -> dict[str, Any]:
        """A head as large as usual, for models whose data are not known."""

    def names(self, head: Mapping[str, Any]) -> list[str]:
        """What the values of the model's output are called, in order; here as the columns."""
        return list(self.columns)

    @abstractmethod
    def encode(self, values: pd.DataFrame, head: Mapping[str, Any]) -> np.ndarray:
        """The values as the objective takes them, a row for each utterance."""

    @abstractmethod
    def known(self, values: pd.DataFrame) -> pd.DataFrame:
        """What training can learn something of from each utterance: bool, a column for each such thing."""

    def lost(self, values: pd.DataFrame, remaining: pd.DataFrame) -> list[str]:
        """What could be learned from values, and cannot from those of them that remain."""
        before = self.known(values).any()
        after = self.known(remaining).any().reindex(before.index, fill_value=False)
        return [str(name) for name in before.index[before & ~after]]

    @abstractmethod
    def split_mistakes(self, values: pd.DataFrame, parts: pd.Series, seed: int) -> list[str]:
        """What makes it impossible to learn from a split, or to measure on it, a line each."""

    @abstractmethod
    def thin_spots(self, values: pd.DataFrame, parts: pd.Series) -> list[str]:
        """What a split allows and is still worth knowing, a line each."""

    def truth(self, table: pd.DataFrame, head: Mapping[str, Any], choice: ClassChoice, source: str) -> Truth:
        """What is right of every utterance of a test set, for a model with that head.

        Raises:
            UserError: the table does not fit the model.
        """
        return Truth(self.read(table, source))

    def calibration(self, outputs: np.ndarray, encoded: np.ndarray) -> dict[str, Any] | None:
        """How much a model's outputs may be trusted, found on utterances that it was not trained on.

        Args:
            outputs: of the model, a row for each utterance.
            encoded: the right values, as `encode` gives them.

        Returns:
            `None` where the outputs are no probabilities of one class.
        """
        return None

    def naming_notes(self, facts: Mapping[str, Any]) -> list[str]:
        """What `Truth.facts` say of names that are not taken as they are, a line each."""
        return []
