"""Hidden states of many recordings in a folder that needs no kser to be read.

embeddings.json      what they are: model, layers, pooling, how recordings were read, versions
layer_00.npy, …      an array of each layer, (recordings, channels)
index.csv            a row for each row of the arrays: path, utterance, all columns of the metadata
passed_over.csv      recordings that could not be used, with the reason; only where there are any
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.errors import UserError, system_reason
from kser.files import read_json
from kser.representations.folder_draft import (
    IDENTITY,
    PASSED_OVER_FILE,
    FolderDraft,
    FolderKind,
    recordings_digest,
)
from kser.representations.growing_array import GrowingArray
from kser.spreadsheets import read_csv, write_csv

FACTS_FILE = "embeddings.json"
INDEX_FILE = "index.csv"
_KIND = FolderKind(
    "hidden states",
    FACTS_FILE,
    {
        "model": "another model",
        "layers": "other layers",
        "pool": "another pooling",
        "dtype": "another dtype",
        "recordings": "other recordings or metadata",
    },
)


@dataclass(frozen=True)
class Store:
    """A finished folder of hidden states.

    Attributes:
        folder: where it is.
        facts: `embeddings.json`.
    """

    folder: Path
    facts: Mapping[str, Any]

    @classmethod
    def at(cls, folder: Path) -> "Store":
        """Open a folder.

        Raises:
            UserError: it is no such folder.
        """
        if not (folder / FACTS_FILE).is_file():
            raise UserError(
                f"{folder}: holds no hidden states (no {FACTS_FILE}); kser embed makes such a folder"
            )
        facts = read_json(folder / FACTS_FILE)
        if not isinstance(facts, dict) or not {"layers", IDENTITY} <= facts.keys():
            raise UserError(f"{folder / FACTS_FILE}: not as kser embed writes it")
        return cls(folder, facts)

    @property
    def arrays(self) -> dict[int, np.ndarray]:
        """By layer, (recordings, channels), mapped from the files: read as they are used.

        Raises:
            UserError: one of the files is missing or damaged.
        """
        return {layer: _mapped(self.folder / layer_file(layer)) for layer in self.facts["layers"]}

    @property
    def index(self) -> pd.DataFrame:
        """A row for each row of the arrays, all columns text.

        Raises:
            UserError: it or an array cannot be read, or an array has another number of rows.
        """
        index = read_csv(self.folder / INDEX_FILE)
        for layer, array in self.arrays.items():
            if len(array) != len(index):
                file = self.folder / layer_file(layer)
                raise UserError(f"{file}: has {len(array)} rows, but {INDEX_FILE} has {len(index)}")
        return index

    @property
    def passed_over(self) -> pd.DataFrame:
        """Recordings that could not be used: `path`, `reason`."""
        file = self.folder / PASSED_OVER_FILE
        return read_csv(file) if file.is_file() else pd.DataFrame(columns=["path", "reason"])


def layer_file(layer: int) -> str:
    """The name of a layer's file."""
    return f"layer_{layer:02d}.npy"


def made_from(
    model: str, layers: Sequence[int], pool: str, dtype: str, table: pd.DataFrame
) -> dict[str, Any]:
    """What a store follows from, to tell it from others.

    Args:
        model: fingerprint of the model.
        layers: numbers of its layers.
        pool: how frames were pooled.
        dtype: of the arrays.
        table: of the recordings, see `recordings_digest`.
    """
    return {
        "model": model,
        "layers": list(layers),
        "pool": pool,
        "dtype": dtype,
        "recordings": recordings_digest(table),
    }


class StoreDraft(FolderDraft):
    """A store that is being made.

    Args:
        folder: where the finished one is to stand.
        facts: for `embeddings.json`, with all of `made_from`.
        table: of the recordings, one a row.
        channels: of the vectors of each layer.

    Raises:
        UserError: something else is in the folder, or it cannot be written.
    """

    def __init__(
        self, folder: Path, facts: Mapping[str, Any], table: pd.DataFrame, channels: Mapping[int, int]
    ):
        self._channels = channels
        self._dtype = np.dtype(facts["dtype"]).newbyteorder("<")
        super().__init__(folder, _KIND, facts, table)

    def add(self, vectors: Mapping[int, np.ndarray], passed_over: Mapping[int, str], recordings: int) -> None:
        """Add the next recordings.

        Args:
            vectors: by layer (recordings that can be used, channels).
            passed_over: why the others cannot be used, by their places among the recordings.
            recordings: how many they are together.

        Raises:
            UserError: it cannot be written, or its dtype does not hold a value.
        """
        narrow = {layer: self._narrow(layer, rows) for layer, rows in vectors.items()}
        for layer, array in zip(self._channels, self._arrays, strict=True):
            array.append(narrow[layer])
        self._go_past(recordings, passed_over)

    def _growing_arrays(self) -> list[GrowingArray]:
        return [
            GrowingArray(self.partial / layer_file(layer), width, self._dtype)
            for layer, width in self._channels.items()
        ]

    def _write_contents(self, kept: pd.DataFrame) -> None:
        write_csv(kept, self.partial / INDEX_FILE)

    def _narrow(self, layer: int, rows: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            narrow = rows.astype(self._dtype)
        if not np.isfinite(narrow).all():
            raise UserError(
                f"--dtype {self._facts['dtype']}: layer {layer} has values up to {np.abs(rows).max():.3g}, "
                "more than it holds; use float32"
            )
        return narrow


def _mapped(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {system_reason(error, path).splitlines()[0]}") from None
    return array
