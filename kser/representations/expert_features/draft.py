"""A folder of expert features that is being made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.errors import UserError
from kser.representations.expert_features.feature_set import FeatureSet
from kser.representations.expert_features.measuring import MeasuredChunk
from kser.representations.expert_features.table import FACTS_FILE, TABLE_FILE
from kser.representations.folder_draft import FolderDraft, FolderKind, recordings_digest
from kser.representations.growing_array import GrowingArray
from kser.spreadsheets import write_csv

_KIND = FolderKind(
    "expert features",
    FACTS_FILE,
    {
        "set": "another set",
        "version": "another version of the set",
        "recordings": "other recordings or metadata",
    },
)
_ARRAY_FILE = "features.npy"


def made_from(features: FeatureSet, table: pd.DataFrame) -> dict[str, Any]:
    """What a folder follows from, to tell it from others."""
    return {
        "set": features.name,
        "version": features.version,
        "recordings": recordings_digest(table),
    }


def with_features(table: pd.DataFrame, columns: list[str], values: np.ndarray) -> pd.DataFrame:
    """A table of recordings with features beside.

    Raises:
        UserError: it has a column of the same name.
    """
    if taken := set(columns) & {*table}:
        raise UserError(f"the metadata have a column {min(taken)}, which is a feature's name; rename it")
    return pd.concat([table, pd.DataFrame(values, index=table.index, columns=columns)], axis=1)


class FeatureDraft(FolderDraft):
    """Features that are being written.

    Args:
        folder: where the finished one is to stand.
        facts: for `features.json`, with all of `made_from`.
        table: of the recordings, one a row.
        columns: the names of the features.

    Raises:
        UserError: something else is in the folder, it cannot be written, or the table has a column of a
            feature's name.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], table: pd.DataFrame, columns: list[str]):
        self._columns = columns
        with_features(table.head(0), columns, np.empty((0, len(columns))))
        super().__init__(folder, _KIND, facts, table)

    def add(self, chunk: MeasuredChunk) -> None:
        """Add the next recordings.

        Raises:
            UserError: it cannot be written.
        """
        self._arrays[0].append(chunk.features)
        self._go_past(chunk.recordings, chunk.unusable)

    def _growing_arrays(self) -> list[GrowingArray]:
        return [GrowingArray(self.partial / _ARRAY_FILE, len(self._columns), np.dtype("<f8"))]

    def _write_contents(self, kept: pd.DataFrame) -> None:
        array = self.partial / _ARRAY_FILE
        write_csv(with_features(kept, self._columns, np.load(array)), self.partial / TABLE_FILE)
        array.unlink()
