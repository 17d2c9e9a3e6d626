"""Tensors in a file that `torch.save` wrote, read without PyTorch and without executing anything in it."""

import math
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from kser.checkpoints.float32 import as_float32
from kser.checkpoints.git_lfs import refuse_pointer
from kser.checkpoints.restricted_pickle import PickleError, TensorReference
from kser.checkpoints.torch_stream import read_stream
from kser.checkpoints.torch_zip import read_zip
from kser.errors import UserError

_ZIP = b"PK\x03\x04"
_TAR, _TAR_AT = b"ustar", 257


class TorchFile:
    """The tensors of a state dictionary, read one at a time from the mapped file.

    Both formats of `torch.save` are read (see `torch_zip`, `torch_stream`); entries that are not tensors
    are skipped.

    Args:
        path: e.g. `pytorch_model.bin`.

    Raises:
        UserError: the file is damaged, holds no tensors, or asks for anything else (hostile pickles do).
    """

    def __init__(self, path: Path):
        self.path = path
        self._buffer = _mapped(path)
        try:
            saved, self._storages = self._read()
        except PickleError as refusal:
            raise UserError(f"{path}: {refusal}") from None
        self._tensors = _tensors(saved)
        if not self._tensors:
            raise UserError(f"{path}: holds no tensors by name; save only the model's state_dict")

    def _read(self) -> tuple[Any, dict[str, tuple[int, int]]]:
        if self._buffer[:4] == _ZIP:
            return read_zip(self.path, self._buffer)
        if self._buffer[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
            raise PickleError(
                "is in the tar format of PyTorch before 0.1.10 (2017); load it with PyTorch and save it again"
            )
        if self._buffer[:1] != b"\x80":  # how every pickle begins since protocol 2
            raise PickleError("not a file of torch.save, or damaged")
        return read_stream(self._buffer)

    def names(self) -> set[str]:
        """Names of the tensors."""
        return set(self._tensors)

    def fetch(self) -> None:
        """Nothing: the file is here."""

    def size_in_bytes(self) -> int:
        """Of the file."""
        return self.path.stat().st_size

    def read(self, name: str) -> np.ndarray:
        """A copy of one tensor as float32, in C order, whatever its strides in the file.

        Raises:
            UserError: the tensor repeats elements so often that it would be larger than the file, or has
                values beyond float32.
        """
        tensor = self._tensors[name]
        if math.prod(tensor.shape) > len(self._buffer):
            raise UserError(
                f"{self.path}: the tensor {name} is declared with shape {tensor.shape}, more elements than "
                "the file has bytes"
            )
        if 0 in tensor.shape:
            return np.zeros(tensor.shape, np.float32)
        import ml_dtypes  # noqa: F401  teaches NumPy what bfloat16 is

        itemsize = tensor.storage.type.itemsize
        start, _ = self._storages[tensor.storage.key]
        elements: np.ndarray = np.ndarray(
            tensor.shape,
            np.dtype(tensor.storage.type.dtype),
            buffer=self._buffer,
            offset=start + (tensor.storage.first + tensor.offset) * itemsize,
            strides=tuple(stride * itemsize for stride in tensor.strides),
        )
        return as_float32(elements, f"{self.path}: the tensor {name}", copy=True)


def _mapped(path: Path) -> mmap:
    refuse_pointer(path)
    try:
        with path.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ)
    except ValueError:
        raise UserError(f"{path}: is empty") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _tensors(saved: Any) -> dict[str, TensorReference]:
    """The tensors of a state dictionary by name."""
    if type(saved) is not dict:
        return {}
    return {
        name: value
        for name, value in saved.items()
        if type(name) is str and isinstance(value, TensorReference)
    }
