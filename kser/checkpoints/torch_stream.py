"""The container that `torch.save` wrote before PyTorch 1.6: pickles one after another, then the storages.

In this order: a magic number, a version, facts about the machine, what was saved, the list of storage keys
(five pickles); then for each key the number of elements (eight bytes) and the elements. Numbers are
little-endian on every machine. Source: `_legacy_save`, `_legacy_load` in `torch/serialization.py`.
"""

from mmap import mmap
from typing import Any

from kser.checkpoints.restricted_pickle import (
    PickleError,
    PickleStream,
    Storage,
    integer,
    load,
    storage_of_id,
)

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_VERSION = 1001


def read_stream(buffer: mmap) -> tuple[Any, dict[str, tuple[int, int]]]:
    """Read the pickles of a file in the old format and find its storages.

    Args:
        buffer: the bytes of the file.

    Returns:
        What was saved, tensors as references; first byte and end of each storage by its key.

    Raises:
        PickleError: the file is damaged or not written by `torch.save`, or see `restricted_pickle.load`.
    """
    position = 0
    roots: dict[str, Storage] = {}

    def storage_of(saved_id: tuple) -> Storage:
        storage = storage_of_id(saved_id, length=6)
        root = roots.setdefault(storage.key, storage)
        if root != storage:
            raise PickleError(f"declares the storage {storage.key[:40]!a} twice, each time differently")
        return storage if saved_id[5] is None else _view(storage, saved_id[5])

    def read_pickle(with_storages: bool = False) -> Any:
        nonlocal position
        stream = PickleStream(buffer, position, len(buffer))
        value = load(stream, storage_of if with_storages else None)
        position = stream.tell()
        return value

    if not _is_number(read_pickle(), _MAGIC_NUMBER):
        raise PickleError("is a pickle, but not a file of torch.save")
    if not _is_number(read_pickle(), _VERSION):
        raise PickleError("has a version of the old torch.save format other than 1001")
    read_pickle()
    saved = read_pickle(with_storages=True)
    return saved, _storages(buffer, read_pickle(), position, roots)


def _is_number(value: Any, number: int) -> bool:
    return type(value) is int and value == number


def _view(root: Storage, view: Any) -> Storage:
    """A part of a storage: key, first element and number of elements, as PyTorch before 0.4 wrote it."""
    if type(view) is not tuple or len(view) != 3:
        raise PickleError("its pickle refers to a part of a storage in a way that PyTorch does not")
    first, numel = integer(view[1]), integer(view[2])
    if first + numel > root.numel:
        raise PickleError(f"refers to elements that the storage {root.key[:40]!a} does not have")
    return Storage(root.key, root.type, numel, first)


def _storages(
    buffer: mmap, keys: Any, position: int, roots: dict[str, Storage]
) -> dict[str, tuple[int, int]]:
    """First byte and end of each storage, which follow one another from `position` on."""
    if type(keys) is not list or any(type(key) is not str for key in keys) or sorted(keys) != sorted(roots):
        raise PickleError("its list of storages does not match its tensors")
    extents = {}
    for key in keys:
        start = position + 8
        numel = int.from_bytes(buffer[position:start], "little")
        position = start + roots[key].numel * roots[key].type.itemsize
        if position > len(buffer):
            raise PickleError(f"is cut off: it ends at byte {len(buffer)}, inside its tensors")
        if numel != roots[key].numel:
            raise PickleError(
                f"has {numel} elements in storage {key[:40]!a}, but its pickle declares {roots[key].numel}"
            )
        extents[key] = (start, position)
    return extents
