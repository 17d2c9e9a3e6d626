"""A published checkpoint in the Hugging Face layout: its configuration and its tensors as NumPy arrays."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from kser.checkpoints.config_fields import ConfigFields, read_fields
from kser.checkpoints.left_over_tensors import LeftOver, sort_left_over
from kser.checkpoints.locate import ADAPTER_CONFIG_FILE, CONFIG_FILE, checkpoint_files
from kser.checkpoints.peft_adapter import LoraAdapter, MergedWeights
from kser.checkpoints.weights import Weights, open_adapter_weights, open_weights, other_weights_files
from kser.errors import UserError

FEATURE_EXTRACTOR_FILE = "preprocessor_config.json"
PROCESSOR_FILE = "processor_config.json"
# Where a processor's file has the fields of its feature extractor, in the order in which they are looked for.
_EXTRACTOR_FIELDS = ("feature_extractor", "audio_processor")


class PublishedCheckpoint:
    """Reads the configuration, the feature extractor's and the weights of a folder or hub id.

    The weights are `model.safetensors` or, failing that, `pytorch_model.bin`, each in one piece or sharded
    (`kser.checkpoints.weights.WEIGHTS_FILES` says in which order), with a PEFT adapter beside them merged.
    Tensors are read one at a time and each remembers that it was used: a converter asks at the end what was
    left over.

    Args:
        name: folder, hub id with or without `hf://` before and `@revision` after it, or short name
            (`kser.checkpoints.named_checkpoints`).

    Attributes:
        on_tensor: called after each tensor with how many were read and how many there are, for a display of
            progress.

    Raises:
        UserError: `config.json` not found, or it names no `model_type`.

    Examples:

        checkpoint = PublishedCheckpoint("facebook/wav2vec2-base")
        checkpoint.model_type                                         # "wav2vec2"
        checkpoint.select_prefix(["", "wav2vec2."], probe="feature_projection.projection.bias")
        checkpoint.tensor("feature_projection.projection.bias").shape  # (768,)
    """

    def __init__(self, name: str | Path):
        self.name = str(name)
        self._files = checkpoint_files(name)
        config_path = self._files.find(CONFIG_FILE)
        if config_path is None:
            raise UserError(
                f"{name}: has no {CONFIG_FILE}, so it is not a checkpoint in the Hugging Face layout"
            )
        self.config = read_fields(config_path)
        if not isinstance(self.config.get("model_type"), str):
            raise UserError(f"{config_path}: names no model_type, so its architecture is unknown")
        self.model_type: str = self.config["model_type"]
        self.on_tensor: Callable[[int, int], None] | None = None
        self._prefix = ""
        self._used: set[str] = set()

    def feature_extractor_config(self) -> ConfigFields:
        """Fields of the feature extractor, empty where the checkpoint has none.

        As in transformers 5, `processor_config.json` goes first, if they are in it, then
        `preprocessor_config.json`.
        """
        path = self._files.find(PROCESSOR_FILE, FEATURE_EXTRACTOR_FILE)
        if path is not None and path.name == PROCESSOR_FILE:
            processor = read_fields(path)
            for field in _EXTRACTOR_FIELDS:
                if isinstance(nested := processor.get(field), dict):
                    return ConfigFields(nested, f"{path}: {field}")
            path = self._files.find(FEATURE_EXTRACTOR_FILE)
        return ConfigFields({}, self.name) if path is None else read_fields(path)

    def select_prefix(self, prefixes: Sequence[str], probe: str) -> None:
        """Choose the prefix of the backbone's tensors (models with a head have one).

        Args:
            prefixes: those to try, in this order.
            probe: name of a tensor that every backbone of the family has.
        """
        for prefix in prefixes:
            if prefix + probe in self._names:
                self._prefix = prefix
                return
        raise UserError(
            f"{self.name}: {self._weights.path.name} holds no tensor {probe} (nor under "
            f"{', '.join(p for p in prefixes if p)}): not the weights of a {self.model_type} model"
        )

    def has(self, tensor_name: str) -> bool:
        """Whether the backbone has a tensor of that name (without the prefix)."""
        return self._prefix + tensor_name in self._names

    def tensor(self, tensor_name: str) -> np.ndarray:
        """Read one tensor of the backbone as float32.

        Raises:
            UserError: the checkpoint lacks it, or it holds values that are no numbers.
        """
        return self._read(self._prefix + tensor_name)

    def has_head_tensor(self, tensor_name: str) -> bool:
        """Whether there is a tensor of that name outside the backbone."""
        return tensor_name in self._names

    def head_tensor(self, tensor_name: str) -> np.ndarray:
        """Read one tensor from outside the backbone as float32; raises as `tensor`."""
        return self._read(tensor_name)

    def _read(self, full_name: str) -> np.ndarray:
        if full_name not in self._names:
            raise UserError(f"{self.name}: {self._weights.path.name} lacks the tensor {full_name}")
        tensor = self._weights.read(full_name)
        if strange := int(tensor.size - np.isfinite(tensor).sum()):
            raise UserError(
                f"{self.weights_path}: the tensor {full_name} holds {strange} values that are NaN or "
                f"infinite, of {tensor.size}"
            )
        self._used.add(full_name)
        if self.on_tensor is not None:
            self.on_tensor(len(self._used), len(self._names))
        return tensor

    def unused_tensors(self) -> list[str]:
        """Names of tensors in the file that were not read: heads, pre-training parts."""
        return sorted(self._names - self._used)

    def left_over(self) -> LeftOver:
        """The same, with heads and pre-training parts separated from what the backbone should have used."""
        return sort_left_over(self.unused_tensors(), self._prefix)

    @property
    def weights_path(self) -> Path:
        """The file that the weights are read from, or the index of several."""
        return self._weights.path

    def weights_in_bytes(self) -> int:
        """Size of the files with the weights, which are fetched."""
        self._weights.fetch()
        return self._weights.size_in_bytes()

    def other_weights_files(self) -> list[str]:
        """Names of further weights that the checkpoint has and that are not read."""
        return other_weights_files(self._files, self.weights_path)

    def local_folder(self) -> Path:
        """The folder that holds configuration and weights, all shards too, for other programs to read."""
        self._weights.fetch()
        return self.weights_path.parent

    @cached_property
    def _names(self) -> set[str]:
        return self._weights.names()

    @property
    def has_adapter(self) -> bool:
        """Whether a PEFT adapter is merged into the weights."""
        return self._files.is_available(ADAPTER_CONFIG_FILE)

    @cached_property
    def _weights(self) -> Weights:
        weights = open_weights(self._files)
        if not self.has_adapter:
            return weights
        config_path = self._files.find(ADAPTER_CONFIG_FILE)
        assert config_path is not None
        adapter = LoraAdapter(read_fields(config_path), open_adapter_weights(self._files))
        return MergedWeights(weights, adapter, (self.family_name, "model"))

    @property
    def family_name(self) -> str:
        """What the backbone is called within a model with a head, e.g. `"unispeech_sat"`."""
        return self.model_type.replace("-", "_")
