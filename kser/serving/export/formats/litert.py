"""LiteRT, formerly TensorFlow Lite: for phones and small devices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kser.serving.export.formats.base import INT8, LENGTHS, WAVEFORM, Computed, ExportFormat
from kser.serving.export.subprocesses import run_module


class LiteRtFormat(ExportFormat):
    """One file, that needs no operations but LiteRT's own; its signature is `serving_default`."""

    name: ClassVar[str] = "litert"
    suffix: ClassVar[str] = ".tflite"
    packages: ClassVar[tuple[str, ...]] = ("ai_edge_litert",)
    extra: ClassVar[str] = "litert"
    takes_int8: ClassVar[bool] = True

    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        run_module(__name__, saved_model, target, "float32")
        self.write_facts(target, facts)

    def write_int8(self, saved_model: Path, float32: Path, target: Path, facts: Mapping[str, Any]) -> None:
        run_module(__name__, saved_model, target, INT8)
        self.write_facts(target, facts)

    def load(self, path: Path) -> Computed:
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(str(path)).get_signature_runner("serving_default")

        def compute(waveform: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
            outputs: dict[str, np.ndarray] = runner(**{WAVEFORM: waveform, LENGTHS: lengths})
            return {name: np.array(values) for name, values in outputs.items()}

        return compute


def main(saved_model: str, target: str, numbers: str) -> None:
    """Convert a SavedModel, in a process that has TensorFlow in memory and ends."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    if numbers == INT8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]  # of weights alone, where no data are given
    Path(target).write_bytes(converter.convert())


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])
