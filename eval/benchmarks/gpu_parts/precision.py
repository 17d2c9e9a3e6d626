"""What bfloat16 and 8-bit weights change in the last hidden states, beside bfloat16 in PyTorch."""

import numpy as np
from backbone_speed import Case, Worker, noise

from gpu_parts.part import Findings, Goal, Setting
from gpu_parts.speed import checkpoint, worker_arguments

MOST_OF_PYTORCH = 2.0


def compare(setting: Setting, findings: Findings) -> None:
    """Relative L2 differences, each side to its own float32."""
    _, folder = checkpoint("tiny" if setting.small else "base", setting)
    case = Case("inference", 2, 1) if setting.small else Case("inference", 4, 4)
    outputs = {}
    for dtype in ("float32", "bfloat16"):
        with Worker("pytorch", str(folder), worker_arguments(setting, dtype)) as worker:
            outputs[dtype] = np.load(worker.ask(do="prepare", **vars(case))["output"])
    pytorch = relative_difference(outputs["bfloat16"], outputs["float32"])
    findings.figures["PyTorch, bfloat16"] = pytorch
    findings.keep()
    kser = of_kser(str(folder), noise(case))
    for name in ("bfloat16", "8-bit weights"):
        findings.figures[f"kser, {name}"] = relative_difference(kser[name], kser["float32"])
    found = float(findings.figures["kser, bfloat16"])
    text = f"bfloat16 changes the states by at most {MOST_OF_PYTORCH:g} times what it changes in PyTorch"
    findings.goals.append(Goal(text, f"{found / pytorch:.2f}", found <= MOST_OF_PYTORCH * pytorch))
    findings.keep()


def of_kser(folder: str, audio: np.ndarray) -> dict[str, np.ndarray]:
    """The last hidden states of a checkpoint by precision."""
    import keras

    from kser.models import SpeechBackbone

    inputs = {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)}

    def states(backbone: keras.Model) -> np.ndarray:
        return np.asarray(backbone.predict_on_batch(inputs)["sequence_output"], "float32")

    backbone = SpeechBackbone.from_preset(folder)
    found = {
        "float32": states(backbone),
        "bfloat16": states(SpeechBackbone.from_preset(folder, dtype="mixed_bfloat16")),
    }
    backbone.quantize("int8")
    return {**found, "8-bit weights": states(backbone)}


def relative_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """L2 norm of the difference as a share of that of what is expected."""
    return float(np.linalg.norm(actual - expected) / np.linalg.norm(expected))
