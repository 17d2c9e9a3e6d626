"""What all jobs of an analysis read: vectors, metadata and features of the same utterances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from kser.analysis.vectors import standardised
from kser.errors import UserError
from kser.representations.analysing.checkpoints import Checkpoint
from kser.representations.analysing.settings import USUAL_CLASSES, AnalysisSettings
from kser.representations.analysing.utterances import Utterances
from kser.words import as_option

# Of the tables that columns of the metadata are written into.
_OWN_COLUMNS = ("model", "seed", "stage", "layer", "path", "x", "y")


class Layer(NamedTuple):
    """A hidden state of a checkpoint.

    Attributes:
        checkpoint: its place among them.
        number: of the hidden state, 0 for what enters the first layer.
    """

    checkpoint: int
    number: int


@dataclass(frozen=True)
class Context:
    """What is analysed; it pickles to what metadata and features take, vectors stay in their files.

    Attributes:
        checkpoints: in their order.
        utterances: that are compared.
        features: by group, float64 (utterances, columns), NaN where a feature has no value.
        settings: of the analysis.
    """

    checkpoints: Sequence[Checkpoint]
    utterances: Utterances
    features: dict[str, np.ndarray]
    settings: AnalysisSettings

    def layers(self, checkpoint: int) -> list[Layer]:
        """The hidden states that a checkpoint's store has."""
        return [Layer(checkpoint, number) for number in self.checkpoints[checkpoint].store.facts["layers"]]

    def place(self, layer: Layer) -> dict[str, str | int]:
        """The columns that say which layer a row is about."""
        return {**self.checkpoints[layer.checkpoint].place, "layer": layer.number}

    def vectors(self, layer: Layer, chosen: np.ndarray | None = None) -> np.ndarray:
        """(utterances, channels), as the store has them; the file itself where that is all of it.

        Args:
            layer: which.
            chosen: positions among the utterances; `None` for all.
        """
        store = self.checkpoints[layer.checkpoint].store
        rows = self.utterances.rows[store.folder]
        if chosen is not None:
            rows = rows[chosen]
        array = store.arrays[layer.number]
        return array if np.array_equal(rows, np.arange(len(array))) else array[rows]

    def compared(self, layer: Layer, chosen: np.ndarray | None = None) -> np.ndarray:
        """The same as similarity, rank and maps take them: standardised if that is asked for."""
        vectors = self.vectors(layer, chosen)
        return standardised(vectors) if self.settings.standardise else vectors

    def column(self, name: str) -> pd.Series | None:
        """A column of the metadata; `None` where there is none, or it has no value at all."""
        table = self.utterances.table
        return table[name] if name in table and (table[name] != "").any() else None

    @property
    def speakers(self) -> np.ndarray | None:
        """One an utterance, where the metadata name them all."""
        column = self.column(self.settings.speaker)
        return None if column is None or (column == "").any() else column.to_numpy(dtype=str)

    def sample(self, most: int) -> np.ndarray:
        """Positions of at most so many utterances, drawn at random, in ascending order."""
        return drawn(len(self.utterances.table), most, self.settings.seed)

    @property
    def classes(self) -> list[str]:
        """Columns that probes read as classes, the speaker last.

        Raises:
            UserError: one that was asked for is not in the metadata, or is called as a column of the tables.
        """
        wanted = self.settings.classes
        if wanted is None:
            wanted = tuple(name for name in USUAL_CLASSES if self.is_varied(name))
            if self.is_varied(self.settings.speaker):
                wanted += (self.settings.speaker,)
        self._check(wanted, "classes")
        return list(dict.fromkeys(wanted))

    @property
    def numbers(self) -> list[str]:
        """Columns that probes read as numbers.

        Raises:
            UserError: one is not in the metadata, is called as a column of the tables, or has cells that are
                no numbers.
        """
        self._check(self.settings.numbers, "numbers")
        for name in self.settings.numbers:
            cells = self.utterances.table[name]
            wrong = cells[(cells != "") & pd.to_numeric(cells, errors="coerce").isna()]
            if len(wrong):
                path = self.utterances.table.loc[wrong.index[0], "path"]
                raise UserError(f"--numbers {name}: {wrong.iloc[0]!r} of {path} is no number")
        return list(dict.fromkeys(self.settings.numbers))

    def check_named(self) -> None:
        """Whether the columns of speakers and sentences are there, where they are not the usual ones.

        Raises:
            UserError: one is not in the metadata.
        """
        usual = AnalysisSettings()
        for option in ("speaker", "sentence"):
            if (name := getattr(self.settings, option)) != getattr(usual, option):
                self._check([name], option)

    def check_control(self) -> None:
        """Whether probes can have the control that was asked for.

        Raises:
            UserError: its column is not in the metadata, or is that of the speakers.
        """
        if (name := self.settings.control_by) is None:
            return
        if name == self.settings.speaker:
            raise UserError(
                f"--control-by {name}: is the column of the speakers, none of whom is in training and test"
            )
        self._check([name], "control_by")

    def is_varied(self, name: str) -> bool:
        """Whether a column has two different values."""
        column = self.column(name)
        return column is not None and column[column != ""].nunique() > 1

    def _check(self, names: Sequence[str], option: str) -> None:
        for name in names:
            if name in _OWN_COLUMNS:
                raise UserError(
                    f"{as_option(option)} {name}: tables have a column of this name already; rename yours"
                )
            if self.column(name) is None:
                columns = [str(each) for each in self.utterances.table if each not in ("path", "utterance")]
                raise UserError(
                    f"{as_option(option)} {name}: the metadata have no such column; {', '.join(columns)}"
                )


def drawn(n: int, most: int, seed: int) -> np.ndarray:
    """Positions of at most so many of n utterances, in ascending order."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])
