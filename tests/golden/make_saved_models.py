"""Write a small model of every task kind as kser 0.1.0 saved it, and what it gives.

Run by hand with kser 0.1.0 on the path, from the root of this repository:
`PYTHONPATH=PATH_OF_0.1.0 python tests/golden/make_saved_models.py`.
"""

import shutil
from pathlib import Path

import keras
import numpy as np

import kser
from kser.models import (
    AudioClassifierPreprocessor,
    EmotionClassifier,
    EmotionRegressor,
    EmotionTagger,
    EmotionTask,
    LogMelBackbone,
    MoonshineEncoderBackbone,
    MultiTaskEmotionModel,
    SpeechAudioConverter,
    WavLMBackbone,
    WhisperEncoderBackbone,
)

FOLDER = Path(__file__).parent / "saved_by_0_1_0"
SIZE = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
UNITS = {"targets": ["arousal", "valence"], "offsets": [4.0, -3.5], "scales": [1.5, 0.25]}


def models() -> dict[str, EmotionTask]:
    """One of every task kind, between them with every option of the head."""
    preprocessor = AudioClassifierPreprocessor(SpeechAudioConverter(trim_db=60.0))
    log_mel = LogMelBackbone(filters=[4], kernel_sizes=[3], num_mel_bins=8)
    wavlm = WavLMBackbone(
        **SIZE,
        filters=[4, 4],
        kernel_sizes=[40, 8],
        strides=[40, 8],
        position_kernel_size=4,
        position_groups=2,
        num_buckets=8,
        max_distance=6,
    )
    return {
        "classifier": EmotionClassifier(
            log_mel, ["anger", "joy", "sadness"], preprocessor, use_batch_norm=True, dropout=0.5, l2=0.01
        ),
        "regressor": EmotionRegressor(
            wavlm, preprocessor=preprocessor, layer_weighting="free", pool_position="before", **UNITS
        ),
        "tagger": EmotionTagger(
            WhisperEncoderBackbone(**SIZE, max_frames=16, num_mel_bins=8),
            ["calm", "fear"],
            preprocessor,
            pooling="att_stats",
            pooling_arguments={"attention_channels": 4},
            use_relu=False,
            projection_dim=5,
            projection_activation="linear",
        ),
        "multi_task": MultiTaskEmotionModel(
            MoonshineEncoderBackbone(**SIZE, rotary_dim=4),
            ["anger", "joy"],
            preprocessor=preprocessor,
            layer_weighting="softmax",
            **UNITS,
        ),
    }


def randomise(model: EmotionTask, seed: int) -> None:
    """No weight at a value that would hide that it was not loaded."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        draws = rng.normal(size=weight.shape)
        scales = weight.name in ("gamma", "scale", "moving_variance")
        weight.assign(0.5 + np.abs(draws) if scales else 0.3 * draws)


def main() -> None:
    """Write a folder for each, in place of an older one."""
    if kser.__version__ != "0.1.0":
        raise SystemExit(f"this is kser {kser.__version__}, not 0.1.0")
    shutil.rmtree(FOLDER, ignore_errors=True)
    with np.load(FOLDER.parent / "inputs.npz") as inputs:
        utterances = [waveform[:4000] for waveform in inputs["waveforms"][:2]]
    outputs = {}
    for seed, (kind, model) in enumerate(models().items()):
        randomise(model, seed)
        model.save_to_preset(str(FOLDER / kind))
        given = model.predict_on_batch(utterances)
        for name, values in (given if isinstance(given, dict) else {"output": given}).items():
            outputs[f"{kind}/{name}"] = keras.ops.convert_to_numpy(values)
    np.savez(FOLDER / "expected.npz", **outputs)


if __name__ == "__main__":
    main()
