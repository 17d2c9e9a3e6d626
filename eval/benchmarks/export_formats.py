"""How far exported models are from kser: every family, pooling and task, small and with random weights.

    KERAS_BACKEND=tensorflow python eval/benchmarks/export_formats.py [--formats saved_model onnx]

Prints the largest difference of a probability (of numbers: relative to those above 1) over recordings alone
and padded, as `kser export` measures it; here in one process, converters included, and against kser on
TensorFlow.
"""

import argparse
import runpy
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kser.models import (
    Data2VecAudioBackbone,
    EmotionClassifier,
    EmotionRegressor,
    EmotionTagger,
    EmotionTask,
    HubertBackbone,
    LogMelBackbone,
    MoonshineEncoderBackbone,
    MultiTaskEmotionModel,
    SpeechAudioConverter,
    UniSpeechBackbone,
    UniSpeechSatBackbone,
    UtterancePreprocessor,
    Wav2Vec2Backbone,
    WavLMBackbone,
    WhisperEncoderBackbone,
)
from kser.serving.export.comparison import Case, difference_of
from kser.serving.export.formats import FORMATS, litert, onnx
from kser.serving.export.serving_graph import write_saved_model
from kser.serving.loaded_model import LoadedModel

SAMPLES = (1600, 4800, 12_000)
LABELS = ["anger", "joy", "neutral", "sadness"]
DIMENSIONS = {"targets": ["arousal", "valence"], "offsets": [4.0, 3.0], "scales": [1.5, 0.5]}
TRANSFORMER = {
    **{"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 24},
    **{"filters": [8, 8, 8], "kernel_sizes": [10, 4, 3], "strides": [5, 2, 2]},
    **{"position_kernel_size": 6, "position_groups": 2},
}
LARGE = {"feature_norm": "layer", "norm_first": True, "use_conv_bias": True}
ENCODER = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 24}
BACKBONES: dict[str, Callable[[], Any]] = {
    "log-mel": lambda: LogMelBackbone(filters=[8, 8], kernel_sizes=[3, 3]),
    "Wav2Vec 2.0, group norm": lambda: Wav2Vec2Backbone(**TRANSFORMER),
    "Wav2Vec 2.0, layer norm": lambda: Wav2Vec2Backbone(**TRANSFORMER, **LARGE),
    "HuBERT": lambda: HubertBackbone(**TRANSFORMER),
    "HuBERT, batch norm": lambda: HubertBackbone(**TRANSFORMER, position_batch_norm=True),
    "WavLM": lambda: WavLMBackbone(**TRANSFORMER, **LARGE, num_buckets=8, max_distance=6),
    "data2vec": lambda: Data2VecAudioBackbone(**TRANSFORMER, position_depth=3),
    "UniSpeech": lambda: UniSpeechBackbone(**TRANSFORMER, **LARGE),
    "UniSpeech-SAT": lambda: UniSpeechSatBackbone(**TRANSFORMER),
    "Whisper": lambda: WhisperEncoderBackbone(**ENCODER, pad_to_maximum=False),
    "Moonshine": lambda: MoonshineEncoderBackbone(**{**ENCODER, "intermediate_dim": 32, "rotary_dim": 4}),
}
POOLINGS: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("mean", "max", "sum", "first_last", "attention")},
    "multi_head_attention": {"num_heads": 2},
    "att_stats": {"attention_channels": 4},
    "ecapa": {
        **{"channels": [4, 8, 12], "kernel_sizes": [5, 3, 1], "dilations": [1, 4, 1]},
        **{"attention_channels": 4, "res2net_scale": 2, "se_channels": 4},
    },
}


def tasks(families: Sequence[str], poolings: Sequence[str]) -> Iterator[tuple[str, EmotionTask]]:
    """Families with poolings, then other tasks and heads on one of them."""
    for family in families:
        backbone = BACKBONES[family]
        for pooling in poolings:
            arguments = POOLINGS[pooling]
            yield (
                f"{family} | {pooling}",
                _task(
                    EmotionClassifier, backbone(), labels=LABELS, pooling=pooling, pooling_arguments=arguments
                ),
            )
    wavlm = BACKBONES["WavLM"]
    yield (
        "WavLM | weighted layers",
        _classifier(wavlm(), layer_weighting="softmax"),
    )
    yield "WavLM | projection", _classifier(wavlm(), projection_dim=8)
    with_lora = wavlm()
    with_lora.enable_lora(2, ["query", "value"], 4)
    yield "WavLM | LoRA", _classifier(with_lora)
    yield "WavLM | regressor", _task(EmotionRegressor, wavlm(), **DIMENSIONS)
    yield "WavLM | tagger", _task(EmotionTagger, wavlm(), labels=LABELS)
    yield "WavLM | multi-task", _task(MultiTaskEmotionModel, wavlm(), labels=LABELS, **DIMENSIONS)


def _classifier(backbone: Any, **arguments: Any) -> EmotionTask:
    return _task(EmotionClassifier, backbone, labels=LABELS, **arguments)


def _task(task_class: type[EmotionTask], backbone: Any, **arguments: Any) -> EmotionTask:
    """With weights of the head large enough that probabilities differ."""
    preprocessor = UtterancePreprocessor(SpeechAudioConverter())
    task = task_class(backbone, preprocessor=preprocessor, use_relu=False, **arguments)
    rng = np.random.default_rng(0)
    for layer in task.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(rng.normal(size=layer.kernel.shape))
    return task


def recordings() -> list[Case]:
    """Of three lengths, alone and in one batch."""
    rng = np.random.default_rng(0)
    waveforms = [(0.1 * rng.normal(size=samples)).astype(np.float32) for samples in SAMPLES]
    return [*(Case(str(len(each)), [each]) for each in waveforms), Case("padded", waveforms)]


def run_here(module: str, *arguments: Any, **options: Any) -> None:
    """What `run_module` does in a process of its own, which would import TensorFlow for each model anew."""
    given, sys.argv = sys.argv, [module, *map(str, arguments)]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.argv = given


def exported_difference(folder: Path, format_name: str, workspace: Path) -> float:
    """Of the model of a folder, in one format."""
    model, form = LoadedModel.load(folder), FORMATS[format_name]
    saved_model, target = workspace / "saved_model", workspace / f"exported{form.suffix}"
    write_saved_model(model, saved_model)
    form.write(saved_model, target, {})
    compute = form.load(target)
    return max(difference_of(model, case, compute(*case.arrays())) for case in recordings())


def main(formats: Sequence[str], families: Sequence[str], poolings: Sequence[str]) -> None:
    """Print the table."""
    onnx.run_module = litert.run_module = run_here
    print("| model | pooling or task |", " | ".join(formats), "|", flush=True)
    print("| --- | --- |", "---: |" * len(formats), flush=True)
    for name, task in tasks(families, poolings):
        with tempfile.TemporaryDirectory() as folder:
            task.save_to_preset(f"{folder}/model")
            differences = []
            for format_name in formats:
                with tempfile.TemporaryDirectory() as workspace:
                    try:
                        found = exported_difference(Path(folder, "model"), format_name, Path(workspace))
                        differences.append(f"{found:.1e}")
                    except Exception as error:  # whatever a runtime raises is a line of the table
                        differences.append(f"{type(error).__name__}: {error}".splitlines()[0][:200])
            print(f"| {name} |", " | ".join(differences), "|", flush=True)
        keras.utils.clear_session()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    parser.add_argument("--families", nargs="*", default=list(BACKBONES), choices=list(BACKBONES))
    parser.add_argument("--poolings", nargs="+", default=list(POOLINGS), choices=list(POOLINGS))
    given = parser.parse_args()
    main(given.formats, given.families, given.poolings)
