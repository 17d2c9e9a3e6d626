"""What a run has written to an output folder, so that the next one continues and touches nothing else."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

from kser.corpora.metadata import content_key
from kser.errors import UserError, system_reason
from kser.strict_json import StrictJsonError, parse_json


class Manifest:
    """A file with a line (JSON) for each copy begun and each finished.

    A run may be killed at any moment: copies are renamed into place when they are whole, and a copy that was
    begun and not finished is known as the run's own.

    Args:
        folder: the output folder; it is created.
        name: of the command, which every command has its own manifest for.

    Raises:
        UserError: the folder cannot be written to.
    """

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.path = folder / f"{name}_manifest.jsonl"
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._finished: dict[str, dict[str, Any]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else ():
                self._take(line)
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{folder}: cannot be written to: {system_reason(error, folder)}") from None
        self._file.write("\n")  # a line that a killed run left half written ends here
        self._remove_drafts()

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def is_own(self, target: Path) -> bool:
        """Whether a place in the folder is free, or holds a copy that this command wrote, unchanged.

        Args:
            target: below the folder.
        """
        if not (self.folder / target).exists() or target.as_posix() in self._begun:
            return True
        finished = self._finished.get(target.as_posix())
        return finished is not None and finished["key"] == content_key(self.folder / target)

    def facts_of(self, target: Path, made_from: dict[str, Any]) -> dict[str, Any] | None:
        """What is known of a finished copy that was made from just this; otherwise `None`."""
        finished = self._finished.get(target.as_posix())
        if finished is None or finished["made_from"] != made_from or target.as_posix() in self._begun:
            return None
        path = self.folder / target
        return finished["facts"] if path.is_file() and content_key(path) == finished["key"] else None

    def begin(self, target: Path) -> None:
        """Note, before anything is written, that a copy will be."""
        self._append({"target": target.as_posix()})

    def finish(self, target: Path, made_from: dict[str, Any], facts: dict[str, Any]) -> None:
        """Note that a copy is whole.

        Args:
            target: below the folder.
            made_from: what would make the same copy again.
            facts: what `facts_of` is to return.
        """
        key = content_key(self.folder / target)
        self._append({"target": target.as_posix(), "key": key, "made_from": made_from, "facts": facts})

    def abandon(self, target: Path) -> None:
        """Note that a copy that was begun will not come: what is written there later is not the run's own."""
        self._append({"target": target.as_posix(), "abandoned": True})

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            record = parse_json(line)
        except StrictJsonError:  # half of a line
            return
        if "key" in record:
            self._finished[record["target"]] = record
            self._begun.discard(record["target"])
        elif "abandoned" in record:
            self._begun.discard(record["target"])
        else:
            self._begun.add(record["target"])

    def _remove_drafts(self) -> None:
        """What a killed run was writing when it ended; see `kser.files.replacing`."""
        for name in self._begun:
            target = self.folder / name
            for draft in target.parent.glob(".*"):
                if draft.is_dir() and draft.name.startswith(f".{target.name}."):
                    shutil.rmtree(draft, ignore_errors=True)
