"""OpenVINO's intermediate representation: for Intel's and other processors."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kser.serving.export.formats.base import LENGTHS, WAVEFORM, Computed, ExportFormat


class OpenVinoFormat(ExportFormat):
    """An XML file and its weights, .bin; the facts are in the XML's `rt_info` too, under "kser"."""

    name: ClassVar[str] = "openvino"
    suffix: ClassVar[str] = ".xml"
    further_suffixes: ClassVar[tuple[str, ...]] = (".bin",)
    packages: ClassVar[tuple[str, ...]] = ("openvino",)
    extra: ClassVar[str] = "openvino"

    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        openvino = _openvino()
        model = openvino.Core().read_model(str(saved_model))
        model.set_rt_info(json.dumps(facts, ensure_ascii=False), "kser")
        openvino.save_model(model, str(target), compress_to_fp16=False)
        self.write_facts(target, facts)

    def load(self, path: Path) -> Computed:
        openvino = _openvino()
        # Without the hint, processors that can would compute in bfloat16.
        compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

        def compute(waveform: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
            outputs = compiled({WAVEFORM: waveform, LENGTHS: lengths})
            return {port.get_any_name(): np.array(values) for port, values in outputs.items()}

        return compute


def _openvino() -> Any:
    # With this package it would tell its makers over the network, from a forked process, that it is imported.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
