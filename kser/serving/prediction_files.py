"""Predictions in a file: CSV, JSON or JSON lines, and where an interrupted command goes on."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kser.audio.segments import file_of
from kser.errors import UserError, system_reason
from kser.files import expanded, write_json, write_text
from kser.serving.prediction import Prediction, Unusable
from kser.serving.predictor import Predictor, Result
from kser.serving.recordings import STANDARD_INPUT
from kser.spreadsheets import inert
from kser.strict_json import StrictJsonError, parse_json

SUFFIXES = (".csv", ".json", ".jsonl")
_PARTIAL = ".partial"


def checked_output(path: str | Path) -> Path:
    """The file to write to.

    Raises:
        UserError: its suffix names no format, or it is a folder.
    """
    path = expanded(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"--output {path}: must end with {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise UserError(f"--output {path}: is a folder")
    return path


class PredictionFile:
    """Collects predictions beside a file, and writes it once all are there.

    What is collected is a line of JSON for each recording, in PATH.partial: a command that was interrupted
    takes from there what it had predicted of files that did not change since, by the same models.

    Args:
        path: of `checked_output`.
        predictor: the models.
    """

    def __init__(self, path: Path, predictor: Predictor):
        self.path = path
        self._partial = path.with_name(path.name + _PARTIAL)
        self._identity = _identity(predictor)
        self._earlier = dict(self._read())

    def known(self, recording: str) -> bool:
        """Whether an interrupted command has predicted a recording."""
        return _version(recording) in self._earlier

    def add(self, results: Iterator[Result]) -> Iterator[Result]:
        """Keep results as they come.

        Yields:
            Each of them, kept.

        Raises:
            UserError: nothing can be written there.
        """
        try:
            self._partial.parent.mkdir(parents=True, exist_ok=True)
            with self._partial.open("a" if self._earlier else "w", encoding="utf-8") as file:
                if not self._earlier:
                    _write_line(file, {"models": self._identity})
                for result in results:
                    version = _version(result.recording)
                    self._earlier[version] = _described(result)
                    _write_line(file, {"version": version, **self._earlier[version]})
                    yield result
        except OSError as error:
            reason = system_reason(error, self._partial)
            raise UserError(f"{self._partial}: cannot be written: {reason}") from error

    def finish(self, recordings: Sequence[str]) -> list[Result]:
        """Write the file, and remove what was collected.

        Args:
            recordings: all of them, each kept, in the order in which they are written.

        Returns:
            What the file says of them.
        """
        results = [_result(self._earlier[_version(recording)]) for recording in recordings]
        write_predictions(self.path, results)
        self._partial.unlink(missing_ok=True)
        return results

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What an interrupted command of the same models has kept; a line that it wrote in part is left."""
        try:
            lines = self._partial.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        if not lines or _parsed(lines[0]).get("models") != self._identity:
            return
        for line in lines[1:]:
            kept = _parsed(line)
            if kept.get("version", STANDARD_INPUT) != STANDARD_INPUT:  # what was read there is gone
                yield kept.pop("version"), kept


def write_predictions(path: Path, results: Sequence[Result]) -> None:
    """Write results in the format that the file's suffix names, whole or not at all."""
    kind = path.suffix.lower()
    if kind == ".json":
        write_json(path, [result.as_json() for result in results])
    elif kind == ".jsonl":
        lines = [json.dumps(result.as_json(), ensure_ascii=False) for result in results]
        write_text(path, "".join(f"{line}\n" for line in lines))
    else:
        write_text(path, _as_csv(results))


def _as_csv(results: Sequence[Result]) -> str:
    rows = [
        result.as_row()
        if isinstance(result, Prediction)
        else {"recording": result.recording, "error": result.reason}
        for result in results
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({name: inert(name) for name in columns})
    writer.writerows({name: inert(cell) for name, cell in row.items()} for row in rows)
    return text.getvalue()


def _described(result: Result) -> dict[str, Any]:
    return {"kind": type(result).__name__, "fields": vars(result)}


def _result(kept: dict[str, Any]) -> Result:
    fields = dict(kept["fields"])
    if kept["kind"] == Unusable.__name__:
        return Unusable(**fields)
    for name in ("labels", "notes"):
        fields[name] = None if fields[name] is None else tuple(fields[name])
    return Prediction(**fields)


def _version(recording: str) -> str:
    """A recording as it is now; what cannot be looked at has only a name."""
    try:
        stat = Path(file_of(recording)).stat()
    except (OSError, ValueError):
        return recording
    return f"{recording} {stat.st_size} {stat.st_mtime_ns}"


def _identity(predictor: Predictor) -> str:
    models = predictor.ensemble.fingerprints
    return hashlib.sha256(json.dumps([models, predictor.threshold]).encode()).hexdigest()[:16]


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = parse_json(line)
    except StrictJsonError:  # half of a line
        return {}
    return found if isinstance(found, dict) else {}


def _write_line(file: Any, value: dict[str, Any]) -> None:
    file.write(json.dumps(value, ensure_ascii=False) + "\n")
    file.flush()
