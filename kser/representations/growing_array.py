"""A NumPy file that rows are added to, so that what is computed need not fit in memory."""

from pathlib import Path

import numpy as np

from kser.errors import UserError, system_reason


class GrowingArray:
    """A `.npy` file of two dimensions that grows.

    Its header says how many rows it has only after `close`; meanwhile somebody else keeps count.

    Args:
        path: the file.
        width: columns.
        dtype: of the values.
    """

    def __init__(self, path: Path, width: int, dtype: np.dtype):
        self.path = path
        self.width = width
        self.dtype = dtype

    def begin(self) -> None:
        """Write a file without rows.

        Raises:
            UserError: it cannot be written.
        """
        try:
            self.path.touch()
        except OSError as error:
            raise self._unwritable(error) from error
        self.close(0)

    def append(self, rows: np.ndarray) -> None:
        """Add rows, (rows, width) of the dtype.

        Raises:
            UserError: it cannot be written.
        """
        try:
            with self.path.open("ab") as file:
                file.write(rows.tobytes())
        except OSError as error:
            raise self._unwritable(error) from error

    def cut(self, rows: int) -> None:
        """Remove what was added behind so many rows.

        Raises:
            OSError, ValueError: it is damaged, or has fewer.
        """
        with self.path.open("r+b") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            end = file.tell() + rows * self.width * self.dtype.itemsize
            if file.seek(0, 2) < end:
                raise ValueError("is shorter than it must be")
            file.truncate(end)

    def close(self, rows: int) -> None:
        """Write into the header how many rows there are.

        Raises:
            UserError: it cannot be written.
        """
        # NumPy leaves room in a header for any number of rows, so that it is as long for each.
        fields = {"descr": self.dtype.str, "fortran_order": False, "shape": (rows, self.width)}
        try:
            with self.path.open("r+b") as file:
                np.lib.format.write_array_header_1_0(file, fields)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"{self.path}: cannot be written: {system_reason(error, self.path)}")
