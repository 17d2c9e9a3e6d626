"""Files in the two formats of `torch.save`, written without PyTorch and with any pickle in them."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
STORAGE_TYPES = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage"}


def text(value: str) -> bytes:
    """Instruction that pushes a text."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def whole(value: int) -> bytes:
    """Instruction that pushes a whole number."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def group(*items: bytes) -> bytes:
    """Instructions that push a tuple."""
    return b"(" + b"".join(items) + b"t"


def named(module: str, name: str) -> bytes:
    """Instruction that pushes a class or function by its name."""
    return f"c{module}\n{name}\n".encode()


def storage(key: str, numel: int, dtype: str = "float32", *, stream: bool = False) -> bytes:
    """Instructions that push a storage; the old format's id has one part more."""
    kind = named("torch", STORAGE_TYPES[dtype])
    parts = (text("storage"), kind, text(key), text("cpu"), whole(numel), *([b"N"] if stream else []))
    return group(*parts) + b"Q"


def tensor(
    stored: bytes, shape: tuple[int, ...], strides: tuple[int, ...] | None = None, offset: int = 0
) -> bytes:
    """Instructions that push a tensor in the storage that the instructions `stored` push."""
    if strides is None:
        strides = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
    hooks = named("collections", "OrderedDict") + b")R"
    arguments = (
        stored,
        whole(offset),
        group(*map(whole, shape)),
        group(*map(whole, strides)),
        b"\x89",
        hooks,
    )
    return named("torch._utils", "_rebuild_tensor_v2") + group(*arguments) + b"R"


def dictionary(**entries: bytes) -> bytes:
    """Instructions that push a dictionary of what the instructions of its entries push."""
    return b"}(" + b"".join(text(name) + value for name, value in entries.items()) + b"u"


def program(instructions: bytes) -> bytes:
    """A whole pickle."""
    return b"\x80\x02" + instructions + b"."


def write_zip(
    path: Path, data: bytes, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
    """Write the format of PyTorch ≥ 1.6 around a pickle."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        for key, content in storages.items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def write_stream(path: Path, data: bytes, storages: dict[str, tuple[int, bytes]]) -> Path:
    """Write the format of PyTorch < 1.6 around a pickle; storages are number of elements and bytes."""
    head = [pickle.dumps(value, protocol=2) for value in (MAGIC_NUMBER, 1001, {"little_endian": True})]
    keys = pickle.dumps(list(storages), protocol=2)
    bodies = [struct.pack("<q", numel) + content for numel, content in storages.values()]
    path.write_bytes(b"".join([*head, data, keys, *bodies]))
    return path


def write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """Write arrays as `torch.save` writes a state dictionary."""
    entries = {
        name: tensor(storage(str(key), array.size, array.dtype.name), array.shape)
        for key, (name, array) in enumerate(tensors.items())
    }
    contents = {str(key): array.tobytes() for key, array in enumerate(tensors.values())}
    return write_zip(path, program(dictionary(**entries)), contents)
