"""Writes event files of scalars, as small as they can be; tests/evaluation/test_event_files.py has real
ones."""

import struct

from kser.evaluation.event_files import _masked_crc32c


def write_events(path, scalars):
    """Write `(step, tag, value)` to an event file; parent folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record(event(*scalar)) for scalar in scalars))


def event(step, tag, value):
    text = tag.encode()
    entry = bytes([1 << 3 | 2, len(text)]) + text + bytes([2 << 3 | 5]) + struct.pack("<f", value)
    summary = bytes([1 << 3 | 2, len(entry)]) + entry
    return bytes([2 << 3, step]) + bytes([5 << 3 | 2, len(summary)]) + summary


def record(data):
    length = struct.pack("<Q", len(data))
    return b"".join([length, checksum(length), data, checksum(data)])


def checksum(data):
    return struct.pack("<I", _masked_crc32c(data))
