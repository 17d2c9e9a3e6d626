"""Numbers that an utterance is rated with, such as arousal and valence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from kser.corpora.splits import PARTS
from kser.errors import UserError
from kser.experiment.tasks.cells import cells_as_numbers, check_columns, raise_mistakes, wrong_cells
from kser.experiment.tasks.evaluation import Evaluation
from kser.experiment.tasks.target import ClassChoice, SelectedRows, Target


@dataclass(frozen=True)
class NumbersTarget(Target):
    """Columns of numbers, in the units of the corpus; an empty cell is a missing number.

    The head has `targets`, the columns, with the mean and the standard deviation of each in the training part
    as `offsets` and `scales`.
    """

    output: ClassVar[str] = "values"

    @property
    def evaluation(self) -> Evaluation:
        from kser.experiment.tasks.regression_evaluation import RegressionEvaluation

        return RegressionEvaluation()

    def read(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        """float64, NaN for missing numbers."""
        check_columns(table, self.columns, source)
        cells = {column: cells_as_numbers(table[column]) for column in self.columns}
        raise_mistakes(
            [
                wrong_cells(
                    table[column],
                    [number is None for number in numbers],
                    "a number, or empty where there is none",
                )
                for column, numbers in cells.items()
            ],
            source,
        )
        values = pd.DataFrame(cells, index=table.index, dtype=float)
        if values.isna().all(axis=None):
            raise UserError(f"{source}: {', '.join(self.columns)}: no row has a number")
        return values

    def select(self, tables: Mapping[str, pd.DataFrame], choice: ClassChoice, source: str) -> SelectedRows:
        """The rows with at least one number."""
        rated = {part: self.read(table, part).notna().any(axis=1) for part, table in tables.items()}
        unrated = sum(int((~has_number).sum()) for has_number in rated.values())
        return SelectedRows(
            {part: table[rated[part]] for part, table in tables.items()},
            left_out={"without a number": unrated} if unrated else {},
        )

    def head(self, values: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
        training = values[parts == "train"]
        return {
            "targets": list(self.columns),
            "offsets": training.mean().tolist(),
            "scales": training.std(ddof=0).tolist(),
        }

    def typical_head(self) -> dict[str, Any]:
        return {"targets": list(self.columns)}

    def encode(self, values: pd.DataFrame, head: Mapping[str, Any]) -> np.ndarray:
        """float32 (utterances, targets), NaN for missing numbers."""
        return values.to_numpy(np.float32)

    def known(self, values: pd.DataFrame) -> pd.DataFrame:
        return values.notna()

    def split_mistakes(self, values: pd.DataFrame, parts: pd.Series, seed: int) -> list[str]:
        """Numbers from which nothing could be learned, and parts in which nothing could be measured."""
        mistakes = []
        for column in self.columns:
            training = values.loc[parts == "train", column].dropna()
            where = f"{column}: in the training part of seed {seed}"
            if training.empty:
                mistakes.append(f"{where} no row has a number; leave the column out")
            elif training.nunique() == 1:
                mistakes.append(
                    f"{where} every row that has a number has {training.iloc[0]:g}, so that there is nothing "
                    "to learn; leave the column out"
                )
        mistakes += [
            f"{', '.join(self.columns)}: no row of the {part} part of seed {seed} has a number"
            for part in PARTS[1:]
            if values[parts == part].isna().all(axis=None)
        ]
        return mistakes

    def thin_spots(self, values: pd.DataFrame, parts: pd.Series) -> list[str]:
        """Numbers that a held-out part cannot measure."""
        lines = []
        for part in PARTS[1:]:
            different = values[parts == part].nunique()
            few = [f"{column} ({count})" for column, count in different.items() if count < 2]
            lines += [f"too few different numbers for a CCC: {part}: {', '.join(few)}"] if few else []
        return lines
