"""What has been computed so far, so that a command that was interrupted goes on."""

import json
import shutil
from pathlib import Path

from kser.errors import UserError, system_reason
from kser.files import read_json, write_json
from kser.representations.analysing.jobs import Outcome

_IDENTITY_FILE = "identity.json"
_OUTCOMES_FILE = "outcomes.jsonl"


class Ledger:
    """Outcomes of jobs in a folder, a line each.

    Args:
        folder: of the ledger; outcomes of another analysis in it are dropped.
        identity: what the outcomes follow from.

    Attributes:
        outcomes: by the key of the job.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, folder: Path, identity: str):
        self.outcomes: dict[str, Outcome] = {}
        self._file = folder / _OUTCOMES_FILE
        known = folder / _IDENTITY_FILE
        if known.is_file() and read_json(known) == identity:
            self._read()
            return
        self._file.unlink(missing_ok=True)
        write_json(known, identity)

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep the outcome of a job.

        Raises:
            UserError: it cannot be written.
        """
        self.outcomes[key] = outcome
        line = json.dumps({"key": key, "rows": outcome.rows, "notes": outcome.notes})
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise UserError(f"{self._file}: cannot be written: {system_reason(error, self._file)}") from error

    def _read(self) -> None:
        if not self._file.is_file():
            return
        content = self._file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):  # the process was killed while it wrote
            with self._file.open("r+b") as file:
                file.truncate(len(whole))
        for line in whole.splitlines():
            known = json.loads(line)
            self.outcomes[known["key"]] = Outcome(known["rows"], known["notes"])

    def remove(self) -> None:
        """Remove what is kept: everything that follows from it is written."""
        shutil.rmtree(self._file.parent, ignore_errors=True)
