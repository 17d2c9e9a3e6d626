"""Models small enough to build and run in a moment."""

import numpy as np
import pytest

from kser.models import (
    EmotionClassifier,
    LogMelBackbone,
    SpeechAudioConverter,
    SpeechBackbone,
    UtterancePreprocessor,
    Wav2Vec2Backbone,
)
from tests.models.small_families import FAMILIES

LABELS = ["anger", "joy", "sadness"]


def wav2vec2(feature_norm: str = "group", **kwargs) -> Wav2Vec2Backbone:
    """Three convolutions, one frame every 20 samples; 45 samples for the first."""
    arguments = {
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 16,
        "intermediate_dim": 24,
        "filters": [8, 8, 8],
        "kernel_sizes": [10, 4, 3],
        "strides": [5, 2, 2],
        "position_kernel_size": 6,
        "position_groups": 2,
        "feature_norm": feature_norm,
        "norm_first": feature_norm == "layer",
    }
    return Wav2Vec2Backbone(**{**arguments, **kwargs})


def log_mel(**kwargs) -> LogMelBackbone:
    """One frame every 20 samples; 64 samples for the first."""
    arguments = {
        "filters": [8, 8],
        "kernel_sizes": [3, 3],
        "window_length": 64,
        "hop_length": 20,
        "num_mel_bins": 8,
    }
    return LogMelBackbone(**{**arguments, **kwargs})


IN_EVERY_RUN = {
    "log_mel": log_mel,
    "wav2vec2_group_norm": wav2vec2,
    "wav2vec2_layer_norm": lambda **kwargs: wav2vec2("layer", **kwargs),
}
"""Functions that build the kinds of backbones that the default suite tries with everything, by name."""

BACKBONES = {**IN_EVERY_RUN, **{name: build for name, build in FAMILIES.items() if name != "wav2vec2"}}
"""A function that builds each kind of backbone, by name."""

EVERY_BACKBONE = [
    name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.slow) for name in BACKBONES
]
"""Their names as parameters of a test: those beyond the default suite are marked slow."""


def classifier(backbone: SpeechBackbone, **kwargs) -> EmotionClassifier:
    """With its preprocessor, and labels unless others are given."""
    preprocessor = UtterancePreprocessor(SpeechAudioConverter())
    return EmotionClassifier(backbone, **{"labels": LABELS, "preprocessor": preprocessor, **kwargs})


def waveforms(*lengths: int, seed: int = 0) -> list[np.ndarray]:
    """Noise of those lengths, (samples,) each."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=length).astype(np.float32) for length in lengths]
