"""Hidden states of many recordings in a folder that needs no kser to be read.

    embeddings.json      what they are: model, layers, pooling, how recordings were read, versions
    layer_00.npy, …      an array of each layer, (recordings, channels)
    index.csv            a row for each row of the arrays: path, utterance, all columns of the metadata
    passed_over.csv      recordings that could not be used, with the reason; only where there are any

While it is made, it stands in FOLDER.partial: vectors are added to the end of the files, and `progress.json`
says how many recordings are done, so that an interrupted command goes on, at most one chunk of recordings
behind.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.audio.segments import file_of
from kser.errors import UserError, system_reason
from kser.files import read_json, write_json
from kser.spreadsheets import read_csv, write_csv

FACTS_FILE = "embeddings.json"
INDEX_FILE = "index.csv"
PASSED_OVER_FILE = "passed_over.csv"
_PROGRESS_FILE = "progress.json"
_PARTIAL = ".partial"
_IDENTITY = "made_from"
_WHAT_DIFFERS = {
    "model": "another model",
    "layers": "other layers",
    "pool": "another pooling",
    "dtype": "another dtype",
    "recordings": "other recordings or metadata",
}


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
        if not isinstance(facts, dict) or not {"layers", _IDENTITY} <= facts.keys():
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
        """A row for each row of the arrays, all columns text."""
        return read_csv(self.folder / INDEX_FILE)

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
        table: of the recordings; it counts as it is, and so do size and time of change of the files.
    """
    digest = hashlib.blake2b(table.to_csv(index=False).encode(errors="surrogateescape"), digest_size=16)
    for path in table["path"]:
        digest.update(_version(path).encode())
    return {
        "model": model,
        "layers": list(layers),
        "pool": pool,
        "dtype": dtype,
        "recordings": digest.hexdigest(),
    }


class StoreDraft:
    """A store that is being made.

    Args:
        folder: where the finished one is to stand.
        facts: for `embeddings.json`, with all of `made_from`.
        table: of the recordings, one a row.
        channels: of the vectors of each layer.

    Attributes:
        finished: the store, where an earlier command has made the very same; else `None`.
        note: what is to be known of what an earlier command left; empty for nothing.
        done: how many recordings, from the first on, are in it or passed over.

    Raises:
        UserError: something else is in the folder, or it cannot be written.
    """

    def __init__(
        self, folder: Path, facts: Mapping[str, Any], table: pd.DataFrame, channels: Mapping[int, int]
    ):
        self.folder = folder
        self.partial = folder.with_name(folder.name + _PARTIAL)
        self.note = ""
        self.done = 0
        self._facts, self._table, self._channels = facts, table, channels
        self._passed_over: list[tuple[int, str]] = []
        self.finished = self._earlier()
        if self.finished is None and not self._goes_on():
            self._begin()

    @property
    def kept(self) -> int:
        """How many recordings are in it."""
        return self.done - len(self._passed_over)

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
        for layer, rows in narrow.items():
            self._append(layer, rows)
        self._passed_over += [(self.done + place, reason) for place, reason in sorted(passed_over.items())]
        self.done += recordings
        self._write_progress()

    def finish(self) -> Store:
        """Put the finished store in its place.

        Raises:
            UserError: none of the recordings could be used, or it cannot be written.
        """
        if not self.kept:
            raise UserError(
                f"{self.folder}: not written: none of the {len(self._table)} recordings can be used"
            )
        left_out = [row for row, _ in self._passed_over]
        for layer, width in self._channels.items():
            self._write_header(layer, self.kept, width)
        write_csv(self._table.drop(index=self._table.index[left_out]), self.partial / INDEX_FILE)
        if self._passed_over:
            paths = self._table["path"].iloc[left_out]
            reasons = [reason for _, reason in self._passed_over]
            passed_over = pd.DataFrame({"path": list(paths), "reason": reasons})
            write_csv(passed_over, self.partial / PASSED_OVER_FILE)
        counts = {"recordings": self.kept, "passed_over": len(left_out)}
        write_json(self.partial / FACTS_FILE, {**self._facts, **counts})
        (self.partial / _PROGRESS_FILE).unlink()
        try:
            self.partial.replace(self.folder)
        except OSError as error:
            raise self._unwritable(self.folder, error) from error
        return Store.at(self.folder)

    def _earlier(self) -> Store | None:
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            return None
        if not (self.folder / FACTS_FILE).is_file():
            raise UserError(f"--output {self.folder}: is there already and holds no hidden states")
        store = Store.at(self.folder)
        if differing := self._differing(store.facts):
            raise UserError(
                f"--output {self.folder}: holds hidden states of {differing}; remove it, or name "
                "another folder"
            )
        return store

    def _goes_on(self) -> bool:
        """Take up what an interrupted command left; whether there is anything."""
        if not (self.partial / _PROGRESS_FILE).is_file():
            return False
        progress = read_json(self.partial / _PROGRESS_FILE)
        if differing := self._differing(progress):
            self.note = f"{self.partial}: was begun with {differing}; it is begun anew"
            return False
        self.done = progress["done"]
        self._passed_over = [(row, reason) for row, reason in progress["passed_over"]]
        try:
            for layer, width in self._channels.items():
                self._cut(layer, self.kept * width * self._dtype.itemsize)
        except (OSError, ValueError):
            self.note = f"{self.partial}: is damaged; it is begun anew"
            self.done, self._passed_over = 0, []
            return False
        return True

    def _begin(self) -> None:
        try:
            if self.partial.exists():
                shutil.rmtree(self.partial)
            self.partial.mkdir(parents=True)
        except OSError as error:
            raise self._unwritable(self.partial, error) from error
        for layer, width in self._channels.items():
            (self.partial / layer_file(layer)).touch()
            self._write_header(layer, 0, width)
        self._write_progress()

    def _differing(self, earlier: Mapping[str, Any]) -> str:
        identity = earlier[_IDENTITY]
        differing = [
            what for name, what in _WHAT_DIFFERS.items() if identity[name] != self._facts[_IDENTITY][name]
        ]
        return ", ".join(differing)

    @property
    def _dtype(self) -> np.dtype:
        return np.dtype(self._facts["dtype"]).newbyteorder("<")

    def _narrow(self, layer: int, rows: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            narrow = rows.astype(self._dtype)
        if not np.isfinite(narrow).all():
            raise UserError(
                f"--dtype {self._facts['dtype']}: layer {layer} has values up to {np.abs(rows).max():.3g}, "
                "more than it holds; use float32"
            )
        return narrow

    def _write_header(self, layer: int, rows: int, width: int) -> None:
        # NumPy leaves room in a header for any number of rows, so that it is as long for each.
        fields = {"descr": self._dtype.str, "fortran_order": False, "shape": (rows, width)}
        path = self.partial / layer_file(layer)
        try:
            with path.open("r+b") as file:
                np.lib.format.write_array_header_1_0(file, fields)
        except OSError as error:
            raise self._unwritable(path, error) from error

    def _append(self, layer: int, rows: np.ndarray) -> None:
        path = self.partial / layer_file(layer)
        try:
            with path.open("ab") as file:
                file.write(rows.tobytes())
        except OSError as error:
            raise self._unwritable(path, error) from error

    def _cut(self, layer: int, size: int) -> None:
        """Remove from a layer's file what was added after the progress was written."""
        with (self.partial / layer_file(layer)).open("r+b") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            end = file.tell() + size
            if file.seek(0, 2) < end:
                raise ValueError("is shorter than it must be")
            file.truncate(end)

    def _write_progress(self) -> None:
        progress = {_IDENTITY: self._facts[_IDENTITY], "done": self.done, "passed_over": self._passed_over}
        write_json(self.partial / _PROGRESS_FILE, progress)

    @staticmethod
    def _unwritable(path: Path, error: OSError) -> UserError:
        return UserError(f"{path}: cannot be written: {system_reason(error, path)}")


def _mapped(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    return array


def _version(path: str) -> str:
    """A recording as it is now; what cannot be looked at has only a name."""
    try:
        stat = Path(file_of(path)).stat()
    except (OSError, ValueError):
        return path
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"
