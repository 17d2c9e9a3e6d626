"""Tensors in a safetensors file."""

from pathlib import Path
from typing import Any

import numpy as np

from kser.checkpoints.float32 import as_float32
from kser.checkpoints.git_lfs import refuse_pointer
from kser.errors import UserError

# Others (8-bit floats, packed integers) mean something only together with scales.
_TYPES = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}


class SafetensorsFile:
    """The tensors of a safetensors file, read one at a time.

    Args:
        path: e.g. `model.safetensors`.

    Raises:
        UserError: the file is damaged or not of this format.
    """

    def __init__(self, path: Path):
        import ml_dtypes  # noqa: F401  teaches NumPy, and with it safetensors, what bfloat16 is
        from safetensors import SafetensorError, safe_open

        self.path = path
        refuse_pointer(path)
        try:
            self._tensors: Any = safe_open(path, framework="numpy")
        except (SafetensorError, OSError) as error:
            reason = " ".join(str(error).split())  # it quotes the file
            raise UserError(f"{path}: not a readable safetensors file: {reason}") from None

    def names(self) -> set[str]:
        """Names of the tensors."""
        return set(self._tensors.keys())

    def fetch(self) -> None:
        """Nothing: the file is here."""

    def size_in_bytes(self) -> int:
        """Of the file."""
        return self.path.stat().st_size

    def read(self, name: str) -> np.ndarray:
        """One tensor as float32.

        Raises:
            UserError: its elements are not of a plain number type, or beyond float32.
        """
        dtype = self._tensors.get_slice(name).get_dtype()
        if dtype not in _TYPES:
            raise UserError(
                f"{self.path}: the tensor {name} is of type {dtype}; {', '.join(sorted(_TYPES))} are read"
            )
        return as_float32(self._tensors.get_tensor(name), f"{self.path}: the tensor {name}", copy=False)
