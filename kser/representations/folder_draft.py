"""A folder that is being made of what is computed of recordings, one after the other.

While it is made, it stands in FOLDER.partial: values are added to the end of its files, and `progress.json`
says how many recordings are done, so that an interrupted command goes on, at most one chunk of recordings
behind.
"""

import hashlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kser.audio.segments import file_of
from kser.errors import UserError, system_reason
from kser.files import read_json, write_json
from kser.representations.growing_array import GrowingArray
from kser.spreadsheets import write_csv
from kser.words import listed

PASSED_OVER_FILE = "passed_over.csv"
IDENTITY = "made_from"
"""Field of a folder's facts that says what it follows from."""
_PROGRESS_FILE = "progress.json"
_PARTIAL = ".partial"


@dataclass(frozen=True)
class FolderKind:
    """What a folder is.

    Attributes:
        words: what it holds, "hidden states".
        facts_file: its JSON file, with `IDENTITY`.
        differing: by field of that, what another value is called, "another model".
    """

    words: str
    facts_file: str
    differing: Mapping[str, str]


def recordings_digest(table: pd.DataFrame) -> str:
    """A hash of recordings, to tell them from others.

    Args:
        table: it counts as it is, and so do size and time of change of the files in its column `path`.
    """
    digest = hashlib.blake2b(table.to_csv(index=False).encode(errors="surrogateescape"), digest_size=16)
    for path in table["path"]:
        digest.update(_version(path).encode())
    return digest.hexdigest()


class FolderDraft(ABC):
    """A folder that is being made. Only one process may do so, see `output_lock`.

    Args:
        folder: where the finished one is to stand.
        kind: of folder.
        facts: for its JSON file, with `IDENTITY`.
        table: of the recordings, one a row.

    Attributes:
        is_finished: whether an earlier command has made the very same.
        note: what is to be known of what an earlier command left; empty for nothing.
        done: how many recordings, from the first on, are in it or passed over.

    Raises:
        UserError: something else is in the folder, or it cannot be written.
    """

    def __init__(self, folder: Path, kind: FolderKind, facts: Mapping[str, Any], table: pd.DataFrame):
        self.folder = folder
        self.partial = folder.with_name(folder.name + _PARTIAL)
        self.note = ""
        self.done = 0
        self._kind, self._facts, self._table = kind, facts, table
        self._passed_over: list[tuple[int, str]] = []
        self._arrays = self._growing_arrays()
        self.is_finished = self._stands_already()
        if not self.is_finished and not self._goes_on():
            self._begin()

    @abstractmethod
    def _growing_arrays(self) -> list[GrowingArray]:
        """The files in `partial` that grow with the recordings, a row of each for each."""

    @abstractmethod
    def _write_contents(self, kept: pd.DataFrame) -> None:
        """Write what else is in a finished folder, see `kept`, to `partial`.

        Args:
            kept: the rows of the table that are in it.
        """

    @property
    def kept(self) -> int:
        """How many recordings are in it."""
        return self.done - len(self._passed_over)

    def finish(self) -> None:
        """Put the finished folder in its place.

        Raises:
            UserError: none of the recordings could be used, or it cannot be written.
        """
        if not self.kept:
            why = listed([reason for _, reason in self._passed_over], "; ")
            raise UserError(f"{self.folder}: not written: no recording can be used: {why}")
        left_out = [row for row, _ in self._passed_over]
        for array in self._arrays:
            array.close(self.kept)
        self._write_contents(self._table.drop(index=self._table.index[left_out]))
        if self._passed_over:
            paths = self._table["path"].iloc[left_out]
            reasons = [reason for _, reason in self._passed_over]
            passed_over = pd.DataFrame({"path": list(paths), "reason": reasons})
            write_csv(passed_over, self.partial / PASSED_OVER_FILE)
        counts = {"recordings": self.kept, "passed_over": len(left_out)}
        write_json(self.partial / self._kind.facts_file, {**self._facts, **counts})
        (self.partial / _PROGRESS_FILE).unlink()
        try:
            self.partial.replace(self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def _go_past(self, recordings: int, passed_over: Mapping[int, str]) -> None:
        """Count recordings whose rows were added to the arrays.

        Args:
            recordings: how many they are, with those passed over.
            passed_over: why some cannot be used, by their places among them.
        """
        self._passed_over += [(self.done + place, reason) for place, reason in sorted(passed_over.items())]
        self.done += recordings
        self._write_progress()

    def _stands_already(self) -> bool:
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            return False
        facts_file = self.folder / self._kind.facts_file
        if not facts_file.is_file():
            raise UserError(f"--output {self.folder}: is there already and holds no {self._kind.words}")
        facts = read_json(facts_file)
        if not isinstance(facts, dict) or not isinstance(facts.get(IDENTITY), dict):
            raise UserError(f"{facts_file}: is damaged; remove {self.folder}, or name another folder")
        if differing := self._differing(facts):
            raise UserError(
                f"--output {self.folder}: holds {self._kind.words} of {differing}; remove it, or name "
                "another folder"
            )
        return True

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
            for array in self._arrays:
                array.cut(self.kept)
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
            raise _unwritable(self.partial, error) from error
        for array in self._arrays:
            array.begin()
        self._write_progress()

    def _differing(self, earlier: Mapping[str, Any]) -> str:
        identity, own = earlier[IDENTITY], self._facts[IDENTITY]
        return ", ".join(
            what for name, what in self._kind.differing.items() if identity.get(name) != own[name]
        )

    def _write_progress(self) -> None:
        progress = {IDENTITY: self._facts[IDENTITY], "done": self.done, "passed_over": self._passed_over}
        write_json(self.partial / _PROGRESS_FILE, progress)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be written: {system_reason(error, path)}")


def _version(path: str) -> str:
    """A recording as it is now; what cannot be looked at has only a name."""
    try:
        stat = Path(file_of(path)).stat()
    except (OSError, ValueError):
        return path
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"
