"""The tensors of a checkpoint: which of its files they are read from, in one piece or sharded."""

from pathlib import Path
from typing import Protocol

import numpy as np

from kser.checkpoints.locate import ADAPTER_CONFIG_FILE, WEIGHTS_FILES, CheckpointFiles
from kser.checkpoints.safetensors_file import SafetensorsFile
from kser.checkpoints.torch_file import TorchFile
from kser.errors import UserError
from kser.files import read_json

ADAPTER_WEIGHTS_FILES = ("adapter_model.safetensors", "adapter_model.bin")


class Weights(Protocol):
    """Tensors by name."""

    path: Path

    def names(self) -> set[str]:
        """Names of the tensors."""

    def read(self, name: str) -> np.ndarray:
        """One tensor as float32."""

    def fetch(self) -> None:
        """Download what is missing."""

    def size_in_bytes(self) -> int:
        """Size of all files, once they are fetched."""


def open_weights(files: CheckpointFiles) -> Weights:
    """Open the weights of a checkpoint, downloading them where needed.

    Args:
        files: the checkpoint's files.

    Raises:
        UserError: it has no weights in a format that kser reads, or they are damaged.
    """
    path = files.find(*WEIGHTS_FILES)
    if path is None:
        first, *others = WEIGHTS_FILES
        raise UserError(
            f"{files.name}: has no {first} (nor {', '.join(others)}), so no weights that kser reads"
        )
    return ShardedWeights(path, files) if path.suffix == ".json" else _open_file(path)


def open_adapter_weights(files: CheckpointFiles) -> Weights:
    """Open the tensors of a PEFT adapter.

    Raises:
        UserError: it has none in a format that kser reads, or they are damaged.
    """
    path = files.find(*ADAPTER_WEIGHTS_FILES)
    if path is None:
        raise UserError(
            f"{files.name}: has {ADAPTER_CONFIG_FILE} but no {' or '.join(ADAPTER_WEIGHTS_FILES)}"
        )
    return _open_file(path)


def other_weights_files(files: CheckpointFiles, read: Path) -> list[str]:
    """Names of `WEIGHTS_FILES` that a checkpoint has besides the one that is read.

    Those about which neither the hub nor its cache knows anything are left out.
    """
    return [name for name in WEIGHTS_FILES if name != read.name and files.is_available(name)]


class ShardedWeights:
    """Tensors in several files, with an index that says which is in which.

    A shard is opened (and downloaded) when the first of its tensors is read.

    Args:
        path: the index, e.g. `model.safetensors.index.json`.
        files: where the shards are.

    Raises:
        UserError: the index is invalid, or names a file that the checkpoint does not have.
    """

    def __init__(self, path: Path, files: CheckpointFiles):
        self.path = path
        self._files = files
        self._shard_of = _weight_map(path)
        self._open: dict[str, Weights] = {}
        missing = [shard for shard in sorted(set(self._shard_of.values())) if not files.has(shard)]
        if missing:
            raise UserError(
                f"{path}: names the shards {', '.join(missing)}, which {files.name} does not have"
            )

    def names(self) -> set[str]:
        """Names of the tensors."""
        return set(self._shard_of)

    def read(self, name: str) -> np.ndarray:
        """One tensor as float32.

        Raises:
            UserError: the shard does not have it.
        """
        weights = self._shard(self._shard_of[name])
        if name not in weights.names():
            raise UserError(f"{weights.path}: lacks the tensor {name}, which {self.path.name} says it has")
        return weights.read(name)

    def fetch(self) -> None:
        """Download the missing shards, including those of which no tensor is read."""
        for filename in sorted(set(self._shard_of.values())):
            self._files.find(filename)

    def size_in_bytes(self) -> int:
        """Size of all shards."""
        paths = [self._files.find(filename) for filename in sorted(set(self._shard_of.values()))]
        return sum(path.stat().st_size for path in paths if path is not None)

    def _shard(self, filename: str) -> Weights:
        if filename not in self._open:
            path = self._files.find(filename)
            if path is None:
                raise UserError(f"{self.path}: names the shard {filename}, which was not found")
            self._open[filename] = _open_file(path)
        return self._open[filename]


def _open_file(path: Path) -> Weights:
    return SafetensorsFile(path) if path.suffix == ".safetensors" else TorchFile(path)


def _weight_map(path: Path) -> dict[str, str]:
    """File of each tensor, by the index."""
    index = read_json(path)
    shard_of = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shard_of, dict) or not shard_of:
        raise UserError(f"{path}: has no weight_map, so it is not an index of weights")
    suffix = Path(path.name.removesuffix(".index.json")).suffix
    for name, shard in shard_of.items():
        beside = isinstance(shard, str) and Path(shard).name == shard and "\\" not in shard
        if not beside or Path(shard).suffix != suffix:
            raise UserError(
                f"{path}: weight_map: {name} is in {shard!r}, not the name of a {suffix} file beside it"
            )
    return shard_of
