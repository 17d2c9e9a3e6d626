"""Labels of an utterance, of which any number may be right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from kser.experiment.tasks.cells import cells_as_numbers, check_columns, raise_mistakes, wrong_cells
from kser.experiment.tasks.evaluation import Evaluation
from kser.experiment.tasks.target import Target


@dataclass(frozen=True)
class LabelsTarget(Target):
    """A column for each label: 1 where an utterance has it, else 0. The head has `labels`, the columns."""

    output: ClassVar[str] = "logits"

    @property
    def evaluation(self) -> Evaluation:
        from kser.experiment.tasks.tagging_evaluation import TaggingEvaluation

        return TaggingEvaluation()

    def read(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        """float64, 1 or 0."""
        check_columns(table, self.columns, source)
        cells = {column: cells_as_numbers(table[column]) for column in self.columns}
        raise_mistakes(
            [
                wrong_cells(table[column], [number not in (0.0, 1.0) for number in numbers], "0 or 1")
                for column, numbers in cells.items()
            ],
            source,
        )
        return pd.DataFrame(cells, index=table.index, dtype=float)

    def head(self, values: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
        return self.typical_head()

    def typical_head(self) -> dict[str, Any]:
        return {"labels": list(self.columns)}

    def encode(self, values: pd.DataFrame, head: Mapping[str, Any]) -> np.ndarray:
        """float32 (utterances, labels)."""
        return values.to_numpy(np.float32)

    def known(self, values: pd.DataFrame) -> pd.DataFrame:
        return values > 0

    def lost(self, values: pd.DataFrame, remaining: pd.DataFrame) -> list[str]:
        """Nothing: that no utterance of a part has a label is allowed, and only noted."""
        return []

    def split_mistakes(self, values: pd.DataFrame, parts: pd.Series, seed: int) -> list[str]:
        return []

    def thin_spots(self, values: pd.DataFrame, parts: pd.Series) -> list[str]:
        """Labels that training sees always or never."""
        shares = values[parts == "train"].mean()
        never, always = list(shares.index[shares == 0]), list(shares.index[shares == 1])
        lines = [f"the training part has no utterance with: {', '.join(never)}"] if never else []
        lines += [f"the training part has no utterance without: {', '.join(always)}"] if always else []
        return lines
