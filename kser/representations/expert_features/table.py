"""Expert features of many recordings in a folder that needs no kser to be read.

features.csv         a row for each recording: path, utterance, all columns of the metadata, the features;
                     an empty cell where a feature cannot be told, such as the pitch of a whisper
features.json        what they are: set, version, source, licence, groups and units of the columns
passed_over.csv      recordings that could not be used, with the reason; only where there are any
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.errors import UserError, system_reason
from kser.files import read_json
from kser.spreadsheets import as_meant, read_csv

FACTS_FILE = "features.json"
TABLE_FILE = "features.csv"
PASSED_OVER_FILE = "passed_over.csv"


@dataclass(frozen=True)
class FeatureTable:
    """A finished folder of expert features.

    Attributes:
        folder: where it is.
        facts: `features.json`.
    """

    folder: Path
    facts: Mapping[str, Any]

    @classmethod
    def at(cls, folder: Path) -> "FeatureTable":
        """Open a folder.

        Raises:
            UserError: it is no such folder.
        """
        if not (folder / FACTS_FILE).is_file():
            raise UserError(
                f"{folder}: holds no expert features (no {FACTS_FILE}); kser features makes such a folder"
            )
        facts = read_json(folder / FACTS_FILE)
        if not isinstance(facts, dict) or not isinstance(facts.get("groups"), dict):
            raise UserError(f"{folder / FACTS_FILE}: not as kser features writes it")
        return cls(folder, facts)

    @property
    def groups(self) -> dict[str, list[str]]:
        """By group, the names of its features."""
        return {group: list(columns) for group, columns in self.facts["groups"].items()}

    @property
    def columns(self) -> list[str]:
        """The names of all features, in the order of the groups."""
        return [column for columns in self.groups.values() for column in columns]

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each recording: `path`, `utterance`, the metadata as text, the features as float64.

        Raises:
            UserError: the file is missing or damaged.
        """
        file = self.folder / TABLE_FILE
        features = set(self.columns)
        try:
            header = list(pd.read_csv(file, dtype=str, nrows=0))
            table = pd.read_csv(
                file,
                dtype={column: "float64" if column in features else "str" for column in header},
                keep_default_na=False,
                na_values={column: [""] for column in features},
            )
        except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
            raise UserError(f"{file}: cannot be read: {system_reason(error, file).splitlines()[0]}") from None
        if missing := [column for column in ("path", "utterance", *self.columns) if column not in table]:
            raise UserError(f"{file}: lacks the column {missing[0]}, which {FACTS_FILE} names")
        for column in header:
            if column not in features:
                table[column] = table[column].map(as_meant)
        return table.rename(columns=as_meant)

    def arrays(self, rows: Sequence[int] | np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The features by group, float64 (recordings, columns of the group); NaN where there is none.

        Args:
            rows: which recordings, by their places in `table`, see `rows_of`; `None` for all.
        """
        table = self.table if rows is None else self.table.iloc[np.asarray(rows, int)]
        return {group: table[columns].to_numpy(np.float64) for group, columns in self.groups.items()}

    def rows_of(self, paths: Sequence[str]) -> np.ndarray:
        """The places of recordings in `table`, int64 (recordings,); -1 of those that are not in it.

        Args:
            paths: as in the column `path` of a store of hidden states.
        """
        places = {path: place for place, path in enumerate(self.table["path"])}
        return np.array([places.get(path, -1) for path in paths], dtype=np.int64)

    @property
    def passed_over(self) -> pd.DataFrame:
        """Recordings that could not be used: `path`, `reason`."""
        file = self.folder / PASSED_OVER_FILE
        return read_csv(file) if file.is_file() else pd.DataFrame(columns=["path", "reason"])
