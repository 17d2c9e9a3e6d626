"""The formats of exported models: writing one from a SavedModel, and computing with it.

Nothing here imports Keras: who computes with an exported model needs neither it nor kser.
"""

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kser.errors import UserError
from kser.files import replacing, write_json

Computed = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
"""From waveforms, float32 (batch, samples), and their lengths, int32 (batch,), to the outputs by name."""

FACTS_FILE = "kser_export.json"
VERSION = "1"  # of a SavedModel, as TensorFlow Serving counts them
OPSET = 18


class ExportFormat(ABC):
    """One format."""

    name: ClassVar[str]
    suffix: ClassVar[str] = ""
    """Of the file that is written; empty for a folder."""
    packages: ClassVar[tuple[str, ...]] = ()
    """What writing and computing import, besides TensorFlow."""
    extra: ClassVar[str] = ""
    """The extra of kser that brings them."""

    def check_installed(self) -> None:
        """Raise a `UserError` where a package is missing."""
        if missing := [name for name in self.packages if find_spec(name) is None]:
            raise UserError(
                f"--format {self.name}: {', '.join(missing)} not installed; pip install 'kser[{self.extra}]'"
            )

    @abstractmethod
    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        """Write a model.

        Args:
            saved_model: the folder of a SavedModel, which may be moved away.
            target: a file or folder that does not exist.
            facts: what a user must know of the model; they are written with it.
        """

    def move(self, draft: Path, path: Path) -> None:
        """Put a model in its place, whole or not at all."""
        with replacing(path) as free:
            shutil.move(draft, free)
        facts = draft.with_suffix(".json")
        if facts.is_file():
            with replacing(path.with_suffix(".json")) as free:
                shutil.move(facts, free)

    @abstractmethod
    def load(self, path: Path) -> Computed:
        """A written model, computing in float32."""


class SavedModelFormat(ExportFormat):
    """TensorFlow's own, as TensorFlow Serving takes it: the folder of a model holds its versions."""

    name: ClassVar[str] = "saved_model"

    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        target.mkdir()
        shutil.move(saved_model, target / VERSION)
        # TensorFlow's place for what is not its own.
        write_json(target / VERSION / "assets.extra" / FACTS_FILE, facts)

    def load(self, path: Path) -> Computed:
        import tensorflow as tf

        module = tf.saved_model.load(str(path / VERSION))
        serve = module.signatures["serving_default"]

        def compute(waveform: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
            outputs = serve(waveform=tf.constant(waveform), lengths=tf.constant(lengths))
            return {name: values.numpy() for name, values in outputs.items()}

        compute.module = module  # type: ignore[attr-defined]  # the signature alone does not keep the weights
        return compute


class OnnxFormat(ExportFormat):
    """ONNX, for ONNX Runtime and what else reads it; the facts are in its metadata too."""

    name: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    packages: ClassVar[tuple[str, ...]] = ("tf2onnx", "onnx", "onnxruntime")
    extra: ClassVar[str] = "export"

    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        import onnx

        _in_own_process("tf2onnx.convert", "--saved-model", saved_model, "--output", target, "--opset", OPSET)
        model = onnx.load(str(target))
        onnx.helper.set_model_props(model, {"kser": json.dumps(facts, ensure_ascii=False)})
        for value in (*model.graph.input, *model.graph.output):
            for axis, name in zip(value.type.tensor_type.shape.dim, ("batch", "samples"), strict=False):
                if not axis.dim_value:
                    axis.dim_param = name
        onnx.save(model, str(target))
        write_json(target.with_suffix(".json"), facts)

    def load(self, path: Path) -> Computed:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]

        def compute(waveform: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
            outputs = session.run(names, {"waveform": waveform, "lengths": lengths})
            return dict(zip(names, outputs, strict=True))

        return compute


FORMATS: dict[str, ExportFormat] = {each.name: each for each in (SavedModelFormat(), OnnxFormat())}
"""Every format by name."""


def _in_own_process(module: str, *arguments: Any) -> None:
    from kser.serving.export.subprocesses import run_module

    run_module(module, *arguments)
