"""What one backend makes of the golden checkpoints, saved tasks, and a seed.

`python -m tests.parity.backend_program PRESETS OUTPUT`, with `KERAS_BACKEND` set, writes an .npz file.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from kser.models import (
    EmotionClassifier,
    EmotionTask,
    LogMelBackbone,
    MoonshineEncoderBackbone,
    SpeechBackbone,
    Wav2Vec2Backbone,
    WhisperEncoderBackbone,
)
from kser.models.hashed_dropout import HashedDropout
from tests.golden import ENCODERS, VARIANTS, expected, golden_folder, inputs_of_encoders
from tests.parity.comparison import hidden_states, hidden_states_model, mask_of

UTTERANCE = 1
"""The golden utterance that is also computed alone."""


def golden_states(variant: str) -> dict[str, np.ndarray]:
    """Hidden states of the padded batch (compiled) and of `UTTERANCE` alone (called directly)."""
    arrays = expected(variant)
    features, lengths = arrays["features_alone"], arrays["lengths"]
    model = hidden_states_model(SpeechBackbone.from_preset(golden_folder(variant)))
    alone = features[UTTERANCE : UTTERANCE + 1, : lengths[UTTERANCE]]
    states_alone = model({"waveform": alone, "padding_mask": np.ones(alone.shape, bool)}, training=False)
    return {
        f"{variant}/batch": hidden_states(model, features, mask_of(lengths, features.shape[1])),
        f"{variant}/alone": np.stack([keras.ops.convert_to_numpy(states[0]) for states in states_alone]),
    }


def encoder_states(name: str) -> dict[str, np.ndarray]:
    """Hidden states of the padded batch of raw waveforms, from one of `ENCODERS`."""
    waveforms, lengths = inputs_of_encoders()
    model = hidden_states_model(SpeechBackbone.from_preset(golden_folder(name)))
    return {f"{name}/batch": hidden_states(model, waveforms, mask_of(lengths, waveforms.shape[1]))}


def task_outputs(preset: Path) -> np.ndarray:
    """What a saved task says of the golden utterances, (3, outputs): of a classifier, probabilities."""
    task = EmotionTask.from_preset(str(preset))
    arrays = expected(VARIANTS[0])
    utterances = [waveform[:n] for waveform, n in zip(arrays["waveforms"], arrays["lengths"], strict=True)]
    outputs = keras.tree.flatten(task.predict_on_batch(utterances))  # runs the preprocessor
    if isinstance(task, EmotionClassifier):
        outputs = [keras.ops.softmax(logits) for logits in outputs]
    return np.concatenate([keras.ops.convert_to_numpy(output) for output in outputs], axis=1)


def initial_weights() -> dict[str, np.ndarray]:
    """Weights, by name, of small models that are built after the same call of `set_random_seed`."""
    keras.utils.set_random_seed(7)
    backbones = [
        LogMelBackbone(filters=(8, 8), kernel_sizes=(3, 5)),
        Wav2Vec2Backbone(
            num_layers=2,
            num_heads=2,
            hidden_dim=16,
            intermediate_dim=24,
            filters=[8] * 7,
            position_kernel_size=8,
            position_groups=2,
            dropout=0.1,
        ),
        WhisperEncoderBackbone(num_layers=1, num_heads=2, hidden_dim=16, intermediate_dim=24, max_frames=20),
        MoonshineEncoderBackbone(num_layers=1, num_heads=2, hidden_dim=16, intermediate_dim=32, rotary_dim=6),
    ]
    weights = {}
    for backbone in backbones:
        classifier = EmotionClassifier(backbone, ["a", "b"], use_batch_norm=True, dropout=0.5)
        for index, weight in enumerate(classifier.weights):  # a path has a number that counts models
            weights[f"{type(backbone).__name__}/{index}/{weight.name}"] = keras.ops.convert_to_numpy(
                weight.value
            )
    return weights


def dropped() -> np.ndarray:
    """What dropout leaves of ones."""
    layer = HashedDropout(0.3, seed=5)
    return np.stack([keras.ops.convert_to_numpy(layer(np.ones((7, 11)), training=True)) for _ in range(2)])


def main(presets: str, output: str) -> None:
    results = {"backend": np.array(keras.config.backend())}
    results["dropped"] = dropped()
    results |= {f"outputs/{preset.name}": task_outputs(preset) for preset in Path(presets).iterdir()}
    results |= {f"initial/{path}": value for path, value in initial_weights().items()}
    for variant in VARIANTS:
        results |= golden_states(variant)
    for name in ENCODERS:
        results |= encoder_states(name)
    np.savez(output, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
