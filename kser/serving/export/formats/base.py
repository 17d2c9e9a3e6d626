"""A format of exported models: writing one from a SavedModel, and computing with it.

Nothing here imports Keras: who computes with an exported model needs neither it nor kser.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kser.errors import UserError, install_extra
from kser.files import replacing, write_json

Computed = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
"""From waveforms, float32 (batch, samples), and their lengths, int32 (batch,), to the outputs by name."""

WAVEFORM, LENGTHS = "waveform", "lengths"
INT8 = "int8"


class ExportFormat(ABC):
    """One format."""

    name: ClassVar[str]
    suffix: ClassVar[str] = ""
    """Of the file that is written; empty for a folder."""
    further_suffixes: ClassVar[tuple[str, ...]] = ()
    """Of files that are written beside it under the same name."""
    packages: ClassVar[tuple[str, ...]] = ()
    """What writing and computing import, besides TensorFlow."""
    extra: ClassVar[str] = ""
    """The extra of kser that brings them."""
    takes_int8: ClassVar[bool] = False
    """Whether weights can be written as 8-bit integers."""

    def check_installed(self) -> None:
        """Raise a `UserError` where a package is missing."""
        if missing := [name for name in self.packages if find_spec(name) is None]:
            raise UserError(
                f"--format {self.name}: not installed: {', '.join(missing)}; {install_extra(self.extra)}"
            )

    @abstractmethod
    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        """Write a model.

        Args:
            saved_model: the folder of a SavedModel, which may be moved away.
            target: a file or folder that does not exist.
            facts: what a user must know of the model; they are written with it.
        """

    def write_int8(self, saved_model: Path, float32: Path, target: Path, facts: Mapping[str, Any]) -> None:
        """Write a model with weights of matrix products as 8-bit integers, where the format `takes_int8`.

        Args:
            saved_model: see `write`.
            float32: what `write` made of it.
            target: see `write`.
            facts: see `write`.
        """
        raise NotImplementedError(f"{self.name} takes no 8-bit integers")

    def write_facts(self, target: Path, facts: Mapping[str, Any]) -> None:
        """Write the facts to the file that lies beside the model's."""
        write_json(target.with_suffix(".json"), facts)

    def move(self, draft: Path, path: Path) -> None:
        """Put a model in its place, each of its files whole or not at all."""
        for suffix in (*self.further_suffixes, ".json"):
            if (beside := draft.with_suffix(suffix)).is_file():
                with replacing(path.with_suffix(suffix)) as free:
                    shutil.move(beside, free)
        with replacing(path) as free:
            shutil.move(draft, free)

    def bytes(self, path: Path) -> int:
        """The size of a written model, graph and weights."""
        beside = [path.with_suffix(suffix) for suffix in self.further_suffixes]
        files = path.rglob("*") if path.is_dir() else [path, *beside]
        return sum(file.stat().st_size for file in files if file.is_file())

    @abstractmethod
    def load(self, path: Path) -> Computed:
        """A written model, computing in float32 on the CPU."""
