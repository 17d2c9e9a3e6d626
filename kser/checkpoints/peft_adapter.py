"""An adapter that PEFT has saved beside a checkpoint or in a folder of its own: merged into the weights.

Of PEFT's methods LoRA on linear layers is merged, W + scale · B·A, and everything else is refused: without
its adapter a model would silently lack what it learned.

Source: `peft/tuners/lora/layer.py` (`get_delta_weight`, `update_layer`), `peft/utils/save_and_load.py`.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from kser.checkpoints.config_fields import ConfigFields
from kser.checkpoints.weights import Weights
from kser.errors import UserError

_OTHERWISE = "merge the adapter with PEFT (merge_and_unload) and save the model"
_WRAPPER = "base_model.model."  # what PEFT puts before the names of the model that it wraps
# Initial values that leave the base model's weights as they are; the others subtract something from them.
_PLAIN_INITIALISATIONS = (True, False, None, "gaussian", "eva", "orthogonal")


class LoraAdapter:
    """The tensors of an adapter by the names of the model that it was trained on.

    Args:
        config: contents of `adapter_config.json`.
        weights: of `adapter_model.safetensors` or `adapter_model.bin`.

    Raises:
        UserError: it is no LoRA adapter, or one of a kind that is not merged.
    """

    def __init__(self, config: ConfigFields, weights: Weights):
        self.path = weights.path
        self._config = config
        self._weights = weights
        _check_supported(config)
        self._saved_as = {_in_model(name): name for name in weights.names()}
        self.modules = sorted(
            name.removesuffix(".lora_A.weight") for name in self._saved_as if name.endswith(".lora_A.weight")
        )
        matrices = {f"{module}.lora_{matrix}.weight" for module in self.modules for matrix in "AB"}
        self.whole_tensors = sorted(set(self._saved_as) - matrices)
        """Names of tensors that stand in the place of the base model's: `modules_to_save`, biases."""
        strange = [name for name in self.whole_tensors if "lora_" in name]
        if odd := strange or sorted(matrices - set(self._saved_as)):
            raise UserError(f"{self.path}: {odd[0]}: only LoRA on linear layers is merged; {_OTHERWISE}")

    def whole_tensor(self, name: str) -> np.ndarray:
        """One of `whole_tensors`."""
        return self._weights.read(self._saved_as[name])

    def change(self, module: str) -> np.ndarray:
        """What is added to the weight of one of `modules`: float32 (outputs, inputs)."""
        a, b = (self._weights.read(self._saved_as[f"{module}.lora_{matrix}.weight"]) for matrix in "AB")
        if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
            raise UserError(
                f"{self.path}: {module}: lora_A {a.shape} and lora_B {b.shape} do not fit together"
            )
        product = self._scale(module, len(a)) * (b @ a)
        return product.T if self._config.get("fan_in_fan_out", False) else product

    def _scale(self, module: str, rank: int) -> float:
        given = _for_module(module, self._config.get("rank_pattern") or {}, self._config.get("r", 8))
        if given != rank:
            raise UserError(
                f"{self._config.source}: r: is {given:g} for {module}, but its lora_A in {self.path.name} "
                f"has rank {rank}"
            )
        alpha = _for_module(
            module, self._config.get("alpha_pattern") or {}, self._config.get("lora_alpha", 8)
        )
        return float(alpha / (math.sqrt(rank) if self._config.get("use_rslora", False) else rank))


class MergedWeights:
    """The weights of a checkpoint with an adapter merged into them.

    The adapter may have been trained on the model with a head, and the checkpoint be the bare one, or the
    other way round: one's names then begin with the name of the model inside, and the other's do not.

    Args:
        base: of the checkpoint.
        adapter: on it.
        inner_names: how that model may be called, e.g. `("wav2vec2",)`.

    Raises:
        UserError: the adapter changes what the checkpoint does not have.
    """

    def __init__(self, base: Weights, adapter: LoraAdapter, inner_names: tuple[str, ...]):
        self.path = base.path
        self._base = base
        self._adapter = adapter
        self._module_of = {}
        for module in adapter.modules:
            name = _name_in_base(f"{module}.weight", base.names(), inner_names)
            if name is None:
                raise UserError(f"{adapter.path}: changes {module}.weight, which {base.path} does not have")
            self._module_of[name] = module
        self._whole = {
            _name_in_base(name, base.names(), inner_names) or name: name for name in adapter.whole_tensors
        }

    def names(self) -> set[str]:
        """Names of the tensors."""
        return self._base.names() | set(self._whole)

    def read(self, name: str) -> np.ndarray:
        """One tensor as float32."""
        if name in self._whole:
            return self._adapter.whole_tensor(self._whole[name])
        tensor = self._base.read(name)
        if name not in self._module_of:
            return tensor
        change = self._adapter.change(self._module_of[name])
        if change.shape != tensor.shape:
            raise UserError(
                f"{self._adapter.path}: {self._module_of[name]}: changes a weight of shape {change.shape}, "
                f"but that of {self.path} has {tensor.shape}"
            )
        return tensor + change

    def fetch(self) -> None:
        """Download what is missing of the checkpoint."""
        self._base.fetch()

    def size_in_bytes(self) -> int:
        """Of the checkpoint: an adapter changes what it has."""
        return self._base.size_in_bytes()


def _check_supported(config: ConfigFields) -> None:
    """Refuse what is not merged, with the field that asks for it."""
    wrong = [
        ("peft_type", config.get("peft_type", "LORA") != "LORA"),
        ("use_dora", config.get("use_dora", False)),
        ("lora_bias", config.get("lora_bias", False)),
        ("layer_replication", config.get("layer_replication") is not None),
        ("init_lora_weights", config.get("init_lora_weights") not in _PLAIN_INITIALISATIONS),
    ]
    for field, is_wrong in wrong:
        if is_wrong:
            raise UserError(
                f"{config.source}: {field}: {config.get(field)!r}: only plain LoRA is merged; {_OTHERWISE}"
            )


def _in_model(name: str) -> str:
    """The name without PEFT's wrapper, and without that of the modules of which it keeps a copy."""
    return name.removeprefix(_WRAPPER).replace(".modules_to_save.default.", ".").replace(".base_layer.", ".")


def _name_in_base(name: str, known: set[str], inner_names: tuple[str, ...]) -> str | None:
    """The checkpoint's name for a tensor; `None` where it has none."""
    candidates = [name]
    for inner in inner_names:
        candidates += [name.removeprefix(f"{inner}."), f"{inner}.{name}"]
    return next((candidate for candidate in candidates if candidate in known), None)


def _for_module(module: str, patterns: Mapping[str, Any], otherwise: float) -> float:
    """The value for a module: of the first pattern that its name ends with, see `get_pattern_key` of PEFT."""
    for pattern, value in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return float(value)
    return otherwise
