"""Facts of recordings on disk, so that no process decodes or reads again what another one has."""

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kser.audio.segments import file_of
from kser.audio.sound_facts import SoundFacts
from kser.audio.sound_faults import Fault
from kser.files import expanded

# Goes up whenever the same file comes to have other facts.
_FACTS_VERSION = 2
_FOLDER_VARIABLE = "KSER_CACHE"
_WAITED_FOR_OTHERS_S = 5.0
_ASKED_AT_ONCE = 500
# Not WITHOUT ROWID: there, each row as long as that of a usual recording takes a page of its own.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS sounds (path BLOB PRIMARY KEY, state TEXT, samples INTEGER, "
    "sampling_rate INTEGER, channels INTEGER, digest TEXT, faults TEXT, fingerprint BLOB)"
)

_CONTENTS = (
    "CREATE TABLE IF NOT EXISTS contents (path BLOB PRIMARY KEY, state TEXT, digest TEXT) WITHOUT ROWID"
)

Known = tuple[str, SoundFacts]
"""The state of a file, see `file_state`, and what it was found to be in it."""

KnownDigest = tuple[str, str]
"""The state of a file, and `kser.files.content_digest` in it."""


def file_state(path: str | Path) -> str:
    """What changes when the file of a recording does: size, time of its content's change, and of any change.

    Raises:
        OSError: there is no such file.
    """
    stat = Path(file_of(path)).stat()
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def store_path() -> Path:
    """The file of the store: in the folder `KSER_CACHE`, else in the user's folder for caches."""
    named = os.environ.get(_FOLDER_VARIABLE)
    folder = Path(named) if named else expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "kser"
    return folder / f"sounds_{_FACTS_VERSION}.sqlite"


class SoundStore:
    """An SQLite file that several processes may read and fill at once, and that may be removed at any time.

    Where it cannot be read or written, nothing is known and nothing is kept: this costs time, no more.
    An hour of audio takes about 1 MB.

    Args:
        path: of the file; its folder is created when something is kept.
    """

    def __init__(self, path: Path):
        self.path = path

    def read(self, paths: Sequence[str]) -> dict[str, Known]:
        """What is known of files, in whatever state they were then."""
        return {os.fsdecode(path): _known(*row) for path, *row in self._rows("sounds", paths)}

    def read_digests(self, paths: Sequence[str]) -> dict[str, KnownDigest]:
        """The digests of files' bytes that are known, with the state that the files were in."""
        return {os.fsdecode(path): (state, digest) for path, state, digest in self._rows("contents", paths)}

    def write(self, known: Mapping[str, Known]) -> None:
        """Keep what is known of files, in the place of what was."""
        rows = [
            (
                os.fsencode(path),
                state,
                facts.samples,
                facts.sampling_rate,
                facts.channels,
                facts.digest,
                json.dumps([asdict(fault) for fault in facts.faults]),
                facts.fingerprint.astype("<u4").tobytes(),
            )
            for path, (state, facts) in known.items()
        ]
        self._write("sounds", _TABLE, rows)

    def write_digests(self, known: Mapping[str, KnownDigest]) -> None:
        """Keep digests of files' bytes."""
        self._write("contents", _CONTENTS, [(os.fsencode(path), *of_file) for path, of_file in known.items()])

    def _rows(self, table: str, paths: Sequence[str]) -> list[tuple[Any, ...]]:
        if not self.path.is_file():
            return []
        rows: list[tuple[Any, ...]] = []
        try:
            with closing(self._connected()) as connection:
                for start in range(0, len(paths), _ASKED_AT_ONCE):
                    keys = [os.fsencode(path) for path in paths[start : start + _ASKED_AT_ONCE]]
                    places = ",".join("?" * len(keys))
                    rows += connection.execute(f"SELECT * FROM {table} WHERE path IN ({places})", keys)
        except (sqlite3.Error, OSError):
            return []
        return rows

    def _write(self, table: str, definition: str, rows: Sequence[tuple[Any, ...]]) -> None:
        places = ",".join("?" * len(rows[0]))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connected()) as connection, connection:
                connection.execute(definition)
                connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", rows)
        except (sqlite3.Error, OSError):
            return

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_WAITED_FOR_OTHERS_S)


def _known(
    state: str, samples: int, rate: int, channels: int, digest: str, faults: str, fingerprint: bytes
) -> Known:
    facts = SoundFacts(
        samples,
        rate,
        channels,
        digest,
        tuple(Fault(**fault) for fault in json.loads(faults)),
        np.frombuffer(fingerprint, "<u4"),
    )
    return state, facts
