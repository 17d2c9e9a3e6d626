"""How fast exported models are beside kser and beside `transformers` on PyTorch: same weights and audio.

    KERAS_BACKEND=jax python eval/benchmarks/export_speed.py MODEL [--folder FOLDER] [--rounds 9]

MODEL is a checkpoint of `transformers` with a trained head (`*ForSequenceClassification`); `base` writes one
of Wav2Vec 2.0 base with random weights. Every format is exported to FOLDER first, as `kser export` does it,
unless it is there. Then each engine runs in a process of its own, and they are asked in turn for 1 × 4 s and
8 × 4 s, `--rounds` times; the medians count, and their ratio to PyTorch in float32.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

RATE = 16_000
CASES = ((1, 4.0), (8, 4.0))
REST_S = 0.4  # threads of a finished call still spin for a moment
LABELS = ("anger", "boredom", "disgust", "fear", "joy", "neutral", "sadness")
ENGINES = {
    "PyTorch": "float32",
    "PyTorch, bfloat16": "bfloat16",
    "kser on JAX": "",
    "SavedModel": "saved_model",
    "ONNX Runtime": "model.onnx",
    "ONNX Runtime, int8 weights": "model_int8.onnx",
    "LiteRT": "model.tflite",
    "OpenVINO": "f32",
    "OpenVINO, bfloat16": "bf16",
}
EXPORTS = {
    "saved_model": ("saved_model", None),
    "model.onnx": ("onnx", None),
    "model_int8.onnx": ("onnx", "int8"),
    "model.tflite": ("litert", None),
    "model.xml": ("openvino", None),
}

Compute = Callable[[np.ndarray], Any]


def main() -> None:
    """Export, time and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--worker", choices=list(ENGINES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="kser_export_speed_"))
    if arguments.worker:
        work(arguments.worker, Path(arguments.model), folder)
        return
    model = prepared(arguments.model, folder)
    engines = {name: started(name, model, folder) for name in ENGINES}
    seconds: dict[tuple[str, int], list[float]] = {}
    for number in range(1, arguments.rounds + 1):
        for place in range(len(CASES)):
            for name, engine in engines.items():
                seconds.setdefault((name, place), []).append(asked(engine, place))
                time.sleep(REST_S)
        print(f"round {number} of {arguments.rounds}:", file=sys.stderr)
        print("\n".join(table(seconds)), file=sys.stderr)
    for engine in engines.values():
        engine.stdin.close()
        engine.wait()
    print("\n".join(table(seconds)))


def table(seconds: dict[tuple[str, int], list[float]]) -> list[str]:
    """Medians, and their ratio to PyTorch in float32, in Markdown."""
    cases = " | ".join(f"{batch} × {length:g} s | of PyTorch" for batch, length in CASES)
    lines = [f"| engine | {cases} |", "| --- |" + " ---: | ---: |" * len(CASES)]
    for name in ENGINES:
        cells = []
        for place in range(len(CASES)):
            own, theirs = (median(seconds[each, place]) for each in (name, "PyTorch"))
            cells.append(f"{own * 1000:.0f} ms | {own / theirs:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def prepared(model: str, folder: Path) -> Path:
    """The checkpoint, and everything that is exported from it."""
    from kser.serving.export.exporting import export_model

    folder.mkdir(parents=True, exist_ok=True)
    path = written_base(folder / "checkpoint") if model == "base" else Path(model)
    for name, (format_name, quantize) in EXPORTS.items():
        if not (folder / name).exists():
            exported = export_model(path, folder / name, format_name, quantize=quantize)
            print(
                f"{exported.path}: {exported.bytes / 1e6:.0f} MB, {exported.difference:.1e}", file=sys.stderr
            )
    return path


def written_base(folder: Path) -> Path:
    """Wav2Vec 2.0 base with a head of seven classes, 95 million random weights."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    if not folder.exists():
        torch.manual_seed(0)
        names = dict(enumerate(LABELS))
        model = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(num_labels=len(names), id2label=names))
        torch.nn.init.normal_(model.classifier.weight, std=0.5)
        model.save_pretrained(folder)
        Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)
    return folder


def started(name: str, model: Path, folder: Path) -> Any:
    """A process with one engine, ready."""
    command = [sys.executable, __file__, str(model), "--folder", str(folder), "--worker", name]
    engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for place in range(len(CASES)):
        asked(engine, place)
    return engine


def asked(engine: Any, place: int) -> float:
    """The seconds that an engine takes for a case."""
    engine.stdin.write(f"{place}\n")
    engine.stdin.flush()
    return float(json.loads(engine.stdout.readline()))


def work(name: str, model: Path, folder: Path) -> None:
    """Answer the number of a case with the seconds that it takes."""
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    compute = engine_of(name, model, folder)
    rng = np.random.default_rng(0)
    batches = [
        (0.1 * rng.normal(size=(batch, int(length * RATE)))).astype(np.float32) for batch, length in CASES
    ]
    for line in sys.stdin:
        batch = batches[int(line)]
        begun = time.perf_counter()
        compute(batch)
        answers.write(f"{json.dumps(time.perf_counter() - begun)}\n")
        answers.flush()


def engine_of(name: str, model: Path, folder: Path) -> Compute:
    """What computes probabilities of waveforms."""
    if name.startswith("PyTorch"):
        return pytorch(model, ENGINES[name])
    if name == "kser on JAX":
        return kser_itself(model)
    if name.startswith("OpenVINO"):
        return openvino(folder / "model.xml", ENGINES[name])
    return exported(folder / ENGINES[name])


def pytorch(model: Path, dtype: str) -> Compute:
    import torch
    from transformers import AutoModelForAudioClassification

    network = AutoModelForAudioClassification.from_pretrained(model).eval()

    def compute(waveforms: np.ndarray) -> Any:
        waveforms = waveforms - waveforms.mean(axis=1, keepdims=True)
        waveforms /= waveforms.std(axis=1, keepdims=True)
        is_reduced = dtype != "float32"
        with torch.inference_mode(), torch.autocast("cpu", getattr(torch, dtype), enabled=is_reduced):
            return network(torch.from_numpy(waveforms)).logits.softmax(-1).float().numpy()

    return compute


def kser_itself(model: Path) -> Compute:
    from kser.serving.loaded_model import LoadedModel

    loaded = LoadedModel.load(model)
    return lambda waveforms: loaded.decoded_together(list(waveforms))


def openvino(path: Path, precision: str) -> Compute:
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    from openvino import Core

    compiled = Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return lambda waveforms: compiled({"waveform": waveforms, "lengths": lengths_of(waveforms)})


def exported(path: Path) -> Compute:
    from kser.serving.export.formats import FORMATS

    compute = FORMATS[EXPORTS[path.name][0]].load(path)
    return lambda waveforms: compute(waveforms, lengths_of(waveforms))


def lengths_of(waveforms: np.ndarray) -> np.ndarray:
    """All of a batch are equally long."""
    return np.full(len(waveforms), waveforms.shape[1], np.int32)


if __name__ == "__main__":
    main()
