"""The container that `torch.save` writes since PyTorch 1.6: an uncompressed zip archive.

`NAME/data.pkl` is the pickle, `NAME/data/KEY` the bytes of the storage KEY. Nothing is unpacked: the
archive's directory says where in the file each of them lies. Source: `_save`, `_load` in
`torch/serialization.py`; APPNOTE.TXT of the zip format for the local header.
"""

import struct
import zipfile
from mmap import mmap
from pathlib import Path
from typing import Any

from kser.checkpoints.restricted_pickle import PickleError, PickleStream, Storage, load, storage_of_id

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, …, lengths of the name and of the extra field


def read_zip(path: Path, buffer: mmap) -> tuple[Any, dict[str, tuple[int, int]]]:
    """Read the pickle of a zip archive and find its storages.

    Args:
        path: the file.
        buffer: its bytes.

    Returns:
        What was saved, tensors as references; first byte and end of each storage by its key.

    Raises:
        PickleError: the archive is damaged or not a file of `torch.save`, or see `restricted_pickle.load`.
    """
    records = _records(path, buffer)
    pickles = [name for name in records if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise PickleError("is a zip archive, but not one of torch.save: it has no data.pkl")
    archive = pickles[0].removesuffix("data.pkl")
    if f"{archive}constants.pkl" in records:
        raise PickleError("is a TorchScript program, not tensors; save the model's state_dict")
    byte_order = records.get(f"{archive}byteorder")
    if byte_order and buffer[slice(*byte_order)] != b"little":
        raise PickleError("was written on a big-endian machine, which kser does not read")
    storages: dict[str, tuple[int, int]] = {}

    def storage_of(saved_id: tuple) -> Storage:
        storage = storage_of_id(saved_id, length=5)
        record = records.get(f"{archive}data/{storage.key}")
        if record is None:
            raise PickleError(f"lacks the storage {storage.key[:40]!a}, which its pickle refers to")
        start, stop = record
        if storage.numel * storage.type.itemsize > stop - start:
            raise PickleError(
                f"has {stop - start} bytes of storage {storage.key[:40]!a}, but its pickle declares "
                f"{storage.numel * storage.type.itemsize}"
            )
        storages[storage.key] = record
        return storage

    return load(PickleStream(buffer, *records[pickles[0]]), storage_of), storages


def _records(path: Path, buffer: mmap) -> dict[str, tuple[int, int]]:
    """First byte and end of each file in the archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            return {entry.filename: _extent(entry, buffer) for entry in _each_once(entries)}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError, struct.error):
        raise PickleError("is a zip archive that is damaged or cut off") from None


def _each_once(entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    if len({entry.filename for entry in entries}) < len(entries):
        raise PickleError("is a zip archive that holds two files of the same name")
    return entries


def _extent(entry: zipfile.ZipInfo, buffer: mmap) -> tuple[int, int]:
    """Where in the archive the bytes of a file are; torch.save neither compresses nor encrypts."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise PickleError(
            "is a zip archive with compressed or encrypted files, which torch.save does not write"
        )
    if entry.header_offset < 0:
        raise zipfile.BadZipFile
    signature, *lengths = _LOCAL_HEADER.unpack_from(buffer, entry.header_offset)
    start = entry.header_offset + _LOCAL_HEADER.size + sum(lengths)
    stop = start + entry.file_size
    if signature != b"PK\x03\x04" or entry.compress_size != entry.file_size or stop > len(buffer):
        raise zipfile.BadZipFile
    return start, stop
