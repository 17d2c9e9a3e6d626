"""What one backend makes of the golden checkpoints, saved classifiers, and a seed.

`python -m tests.parity.backend_program PRESETS OUTPUT`, with `KERAS_BACKEND` set, writes an .npz file.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from kser.models import EmotionClassifier, LogMelBackbone, SpeechBackbone, Wav2Vec2Backbone
from tests.golden import VARIANTS, expected, golden_folder
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


def probabilities(preset: Path) -> np.ndarray:
    """Class probabilities of the golden utterances, (3, labels), from a saved classifier."""
    classifier = EmotionClassifier.from_preset(str(preset))
    arrays = expected(VARIANTS[0])
    utterances = [waveform[:n] for waveform, n in zip(arrays["waveforms"], arrays["lengths"], strict=True)]
    logits = classifier.predict_on_batch(utterances)  # runs the preprocessor
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


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
    ]
    weights = {}
    for backbone in backbones:
        classifier = EmotionClassifier(backbone, ["a", "b"], use_batch_norm=True, dropout=0.5)
        for index, weight in enumerate(classifier.weights):  # a path has a number that counts models
            weights[f"{type(backbone).__name__}/{index}/{weight.name}"] = keras.ops.convert_to_numpy(
                weight.value
            )
    return weights


def main(presets: str, output: str) -> None:
    results = {"backend": np.array(keras.config.backend())}
    results |= {f"probabilities/{preset.name}": probabilities(preset) for preset in Path(presets).iterdir()}
    results |= {f"initial/{path}": value for path, value in initial_weights().items()}
    for variant in VARIANTS:
        results |= golden_states(variant)
    np.savez(output, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
