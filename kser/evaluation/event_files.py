"""Scalars of TensorBoard event files, which the Hugging Face Trainer and PyTorch's SummaryWriter write.

An event file is a sequence of records (length, checksum, data, checksum: TensorFlow's lib/io/record_writer),
each of them an Event message of protocol buffers (tensorboard/compat/proto/event.proto, summary.proto,
tensor.proto). The few fields of scalars are read here, because no package that kser stands on brings a
reader: TensorFlow 2.21 does not install `tensorboard`, and importing TensorFlow itself to draw a curve takes
seconds.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

# Scalars are small; graphs, pictures and sound, which are not, are passed over unread.
_LARGEST_SCALAR_RECORD = 1 << 16
_FLOAT, _DOUBLE = 1, 2


class Scalar(NamedTuple):
    """A value of a curve: update, name ("eval/uar") and number."""

    step: int
    tag: str
    value: float


class EventFileError(Exception):
    """The file ends within a record or is damaged; what came before is good."""


def read_scalars(path: Path) -> Iterator[Scalar]:
    """All scalars of an event file, in its order.

    Raises:
        EventFileError: after the scalars before it, at a record that is cut off or damaged.
    """
    for record in _records(path.read_bytes()):
        try:
            yield from _scalars(record)
        except (IndexError, KeyError, ValueError, TypeError, AttributeError, struct.error) as error:
            raise EventFileError(f"a record is no event: {error}") from error


def _records(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        header = data[place : place + 12]
        if len(header) < 12:
            raise EventFileError(f"cut off after {place} bytes")
        (length,), (checksum,) = struct.unpack("<Q", header[:8]), struct.unpack("<I", header[8:])
        if checksum != masked_crc32c(header[:8]):
            raise EventFileError(f"damaged after {place} bytes")
        record = data[place + 12 : place + 12 + length]
        footer = data[place + 12 + length : place + 16 + length]
        if len(footer) < 4:
            raise EventFileError(f"cut off after {place} bytes")
        if length <= _LARGEST_SCALAR_RECORD:
            if struct.unpack("<I", footer)[0] != masked_crc32c(record):
                raise EventFileError(f"damaged after {place} bytes")
            yield record
        place += 16 + length


def _scalars(event: bytes) -> Iterator[Scalar]:
    fields = list(_fields(event))
    step = next((value for number, value in fields if number == 2), 0)
    for summary in (value for number, value in fields if number == 5):
        for entry in (dict(_fields(value)) for number, value in _fields(summary) if number == 1):
            value = struct.unpack("<f", entry[2])[0] if 2 in entry else _tensor_scalar(entry.get(8, b""))
            if 1 in entry and value is not None:
                yield Scalar(step, entry[1].decode("utf-8"), value)


def _tensor_scalar(tensor: bytes) -> float | None:
    """The number of a TensorProto that holds a single float, as newer writers store scalars."""
    fields = dict(_fields(tensor))
    raw = fields.get(4) or fields.get(5) or fields.get(6) or b""
    form = {(_FLOAT, 4): "<f", (_DOUBLE, 8): "<d"}.get((fields.get(1, 0), len(raw)))
    return struct.unpack(form, raw)[0] if form else None


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: varints as integers, all others as bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key & 7 == 0:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        length, place = _varint(message, place) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], place)
        yield key >> 3, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, least first, and the place after it."""
    value = shift = 0
    while message[place] & 0x80:
        value |= (message[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | message[place] << shift, place + 1


def masked_crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli, RFC 3720), rotated and shifted as record files do."""
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum = _CRC_TABLE[(checksum ^ byte) & 0xFF] ^ (checksum >> 8)
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC_TABLE = [_crc_entry(byte) for byte in range(256)]
