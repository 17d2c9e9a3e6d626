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
from kser.serving.predictor import Predictor
from kser.serving.recordings import STANDARD_INPUT
from kser.serving.segments.rttm import rttm_of
from kser.serving.segments.segment import Segment, SegmentedRecording
from kser.spreadsheets import inert
from kser.strict_json import StrictJsonError, parse_json
from kser.words import as_option

SUFFIXES = (".csv", ".json", ".jsonl")
SEGMENT_SUFFIXES = (*SUFFIXES, ".rttm")
_PARTIAL = ".partial"

Kept = Prediction | SegmentedRecording | Unusable
"""What is said of a recording, or why nothing can be."""


def checked_output(path: str | Path, suffixes: Sequence[str] = SUFFIXES, option: str = "output") -> Path:
    """The file to write to.

    Args:
        path: as the user gave it.
        suffixes: of the formats that it may have.
        option: by which it was given.

    Raises:
        UserError: its suffix names no format, or it is a folder.
    """
    path = expanded(path)
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{as_option(option)} {path}: must end with {', '.join(suffixes)}")
    if path.is_dir():
        raise UserError(f"{as_option(option)} {path}: is a folder")
    return path


class PredictionFile:
    """Collects predictions beside a file, and writes it once all are there.

    What is collected is a line of JSON for each recording, in PATH.partial: a command that was interrupted
    takes from there what it had predicted of files that did not change since, by the same models.

    Args:
        path: of `checked_output`.
        predictor: the models.
        settings: what else the predictions depend on, in any words.
    """

    def __init__(self, path: Path, predictor: Predictor, settings: str = ""):
        self.path = path
        self._partial = path.with_name(path.name + _PARTIAL)
        self._identity = _identity(predictor, settings)
        self._earlier = dict(self._read())
        # Recordings may change meanwhile: what is said of one is kept as of how it was found.
        self._versions: dict[str, str] = {}

    def known(self, recording: str) -> bool:
        """Whether an interrupted command has predicted a recording."""
        return self._version(recording) in self._earlier

    def add(self, results: Iterator[Kept]) -> Iterator[Kept]:
        """Keep results as they come.

        Yields:
            Each of them, kept.

        Raises:
            UserError: nothing can be written there.
        """
        try:
            self._partial.parent.mkdir(parents=True, exist_ok=True)
            with self._partial.open("a" if self._earlier else "w", encoding="utf-8") as file:
                if self._earlier:
                    file.write("\n")  # who was killed may have left half a line
                else:
                    _write_line(file, {"models": self._identity})
                for result in results:
                    version = self._version(result.recording)
                    self._earlier[version] = _described(result)
                    _write_line(file, {"version": version, **self._earlier[version]})
                    yield result
        except OSError as error:
            reason = system_reason(error, self._partial)
            raise UserError(f"{self._partial}: cannot be written: {reason}") from error

    def finish(self, recordings: Sequence[str]) -> list[Kept]:
        """Write the file, and remove what was collected.

        Args:
            recordings: all of them, each kept, in the order in which they are written.

        Returns:
            What the file says of them.
        """
        results = [_result(self._earlier[self._version(recording)]) for recording in recordings]
        write_predictions(self.path, results)
        self._partial.unlink(missing_ok=True)
        return results

    def _version(self, recording: str) -> str:
        """A recording as it was when it was first asked for."""
        if recording not in self._versions:
            self._versions[recording] = _version(recording)
        return self._versions[recording]

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What an interrupted command of the same models has kept; a line that it wrote in part is left."""
        try:
            lines = self._partial.read_bytes().split(b"\n")
        except OSError:
            return
        if _parsed(lines[0]).get("models") != self._identity:
            return
        for line in lines[1:]:
            kept = _parsed(line)
            if kept.get("version", STANDARD_INPUT) != STANDARD_INPUT:  # what was read there is gone
                yield kept.pop("version"), kept


def write_predictions(path: Path, results: Sequence[Kept]) -> None:
    """Write results in the format that the file's suffix names, whole or not at all."""
    kind = path.suffix.lower()
    if kind == ".json":
        write_json(path, _entries(results))
    elif kind == ".jsonl":
        lines = [json.dumps(entry, ensure_ascii=False) for entry in _entries(results)]
        write_text(path, "".join(f"{line}\n" for line in lines))
    elif kind == ".rttm":
        write_text(path, rttm_of([each for each in results if isinstance(each, SegmentedRecording)]))
    else:
        write_text(path, _as_csv(results))


def _entries(results: Sequence[Kept]) -> list[dict[str, Any]]:
    """What stands in a list of JSON: one of each recording, or of each segment."""
    entries: list[dict[str, Any]] = []
    for result in results:
        entries += result.as_json() if isinstance(result, SegmentedRecording) else [result.as_json()]
    return entries


def _rows(result: Kept) -> list[dict[str, Any]]:
    if isinstance(result, SegmentedRecording):
        return result.as_rows()
    if isinstance(result, Prediction):
        return [result.as_row()]
    return [{"recording": result.recording, "error": result.reason}]


def _as_csv(results: Sequence[Kept]) -> str:
    rows = [row for result in results for row in _rows(result)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({name: inert(name) for name in columns})
    writer.writerows({name: inert(cell) for name, cell in row.items()} for row in rows)
    return text.getvalue()


def _described(result: Kept) -> dict[str, Any]:
    fields = dict(vars(result))
    if isinstance(result, SegmentedRecording):
        fields["segments"] = [vars(segment) for segment in result.segments]
    return {"kind": type(result).__name__, "fields": fields}


def _result(kept: dict[str, Any]) -> Kept:
    fields = kept["fields"]
    if kept["kind"] == Unusable.__name__:
        return Unusable(**fields)
    if kept["kind"] == SegmentedRecording.__name__:
        segments = tuple(Segment(**_with_tuples(segment)) for segment in fields["segments"])
        return SegmentedRecording(**{**fields, "segments": segments})
    return Prediction(**_with_tuples(fields))


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a prediction, with tuples where JSON has lists."""
    tuples = {name: fields[name] for name in ("labels", "notes") if fields[name] is not None}
    return {**fields, **{name: tuple(values) for name, values in tuples.items()}}


def _version(recording: str) -> str:
    """A recording as it is now; what cannot be looked at has only a name."""
    try:
        stat = Path(file_of(recording)).stat()
    except (OSError, ValueError):
        return recording
    return f"{recording} {stat.st_size} {stat.st_mtime_ns}"


def _identity(predictor: Predictor, settings: str) -> str:
    known_by: list[Any] = [predictor.ensemble.fingerprints, predictor.threshold]
    known_by += [settings] if settings else []
    return hashlib.sha256(json.dumps(known_by).encode()).hexdigest()[:16]


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = parse_json(line.decode())
    except (StrictJsonError, UnicodeDecodeError):  # half of a line, or of a letter
        return {}
    return found if isinstance(found, dict) else {}


def _write_line(file: Any, value: dict[str, Any]) -> None:
    file.write(json.dumps(value, ensure_ascii=False) + "\n")
    file.flush()
