"""Writing TensorBoard event files of scalars, without TensorFlow; `kser.evaluation.event_files` reads them.

TensorBoard finds files named `events.out.tfevents.*` and reads in each a record that says "brain.Event:2" and
then one record an event (tensorboard/compat/proto/event.proto and summary.proto).
"""

import os
import socket
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from kser.evaluation.event_files import masked_crc32c
from kser.files import replacing

_VERSION = b"brain.Event:2"
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY = 1, 2, 3, 5  # fields of an Event
_VALUE = 1  # of a Summary
_TAG, _SIMPLE_VALUE = 1, 2  # of a Summary.Value
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # how a field is stored


class Event(NamedTuple):
    """Values at one update.

    Attributes:
        wall_time_s: seconds since 1970.
        step: update.
        values: numbers by tag, e.g. "eval/uar".
    """

    wall_time_s: float
    step: int
    values: Mapping[str, float]


class EventWriter:
    """Writes one event file; TensorBoard may read it meanwhile.

    Args:
        folder: gets the file; event files that stand there are replaced by it, for one that a run which is
            continued left behind holds updates that are made again.
        begun_s: seconds since 1970, for the file's name.
        events: to begin with.
    """

    def __init__(self, folder: Path, begun_s: float, events: Iterable[Event] = ()):
        name = f"events.out.tfevents.{int(begun_s):010d}.{socket.gethostname()}.{os.getpid()}.0"
        self.path = folder / name
        version = _field(_WALL_TIME, _FIXED64, struct.pack("<d", begun_s)) + _field(
            _FILE_VERSION, _BYTES, _VERSION
        )
        with replacing(self.path) as draft:
            draft.write_bytes(b"".join([_record(version), *map(_event_record, events)]))
        for outdated in set(folder.glob("events.out.tfevents.*")) - {self.path}:
            outdated.unlink()

    def add(self, event: Event) -> None:
        """Append an event to the file at once."""
        with self.path.open("ab") as file:
            file.write(_event_record(event))


def _event_record(event: Event) -> bytes:
    summary = b"".join(
        _field(
            _VALUE,
            _BYTES,
            _field(_TAG, _BYTES, tag.encode()) + _field(_SIMPLE_VALUE, _FIXED32, struct.pack("<f", value)),
        )
        for tag, value in event.values.items()
    )
    return _record(
        _field(_WALL_TIME, _FIXED64, struct.pack("<d", event.wall_time_s))
        + _field(_STEP, _VARINT, _varint(event.step))
        + _field(_SUMMARY, _BYTES, summary)
    )


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return b"".join([length, _checksum(length), data, _checksum(data)])


def _checksum(data: bytes) -> bytes:
    return struct.pack("<I", masked_crc32c(data))


def _field(number: int, kind: int, value: bytes) -> bytes:
    length = _varint(len(value)) if kind == _BYTES else b""
    return _varint(number << 3 | kind) + length + value


def _varint(number: int) -> bytes:
    """Seven bits a byte, least first; the highest bit says that more follow."""
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
