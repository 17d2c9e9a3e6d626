"""Every family with every pooling and head trains, is saved, and gives the same probabilities elsewhere."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from scipy.special import softmax

from kser.models import EmotionClassifier, MoonshineEncoderBackbone, WhisperEncoderBackbone
from kser.models.pooling import POOLINGS
from tests.models.small_models import BACKBONES, classifier, waveforms
from tests.models.small_poolings import POOLING_ARGUMENTS

ROOT = Path(__file__).parents[2]
OTHERS = [name for name in ("jax", "tensorflow", "torch") if name != keras.config.backend()]
SIZE = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
FAMILIES = {
    **BACKBONES,
    "whisper": lambda: WhisperEncoderBackbone(**SIZE, max_frames=20),
    "moonshine": lambda: MoonshineEncoderBackbone(**SIZE, rotary_dim=4),
}
HEADS: dict[str, dict[str, Any]] = {
    **{name: {"pooling": name, "pooling_arguments": POOLING_ARGUMENTS.get(name)} for name in POOLINGS},
    "softmax_after": {"layer_weighting": "softmax", "projection_dim": 5},
    "free_before": {"layer_weighting": "free", "pool_position": "before", "projection_dim": 5},
}

pytestmark = pytest.mark.slow


def utterances(model: EmotionClassifier, seed: int = 0) -> list[np.ndarray]:
    """Three, the last of few frames, and one that has no frame."""
    frames_apart = 20 if model.backbone.minimum_samples < 100 else 320
    lengths = (20 * frames_apart, 12 * frames_apart, 3 * frames_apart + 10)
    return [*waveforms(*lengths, seed=seed), np.ones(5, np.float32)]


def logits(preset: Path | str) -> np.ndarray:
    """Of the utterances."""
    model = EmotionClassifier.from_preset(str(preset))
    return keras.ops.convert_to_numpy(model.predict_on_batch(utterances(model)))


def main(presets: str, output: str) -> None:
    """What `python -m tests.parity.test_heads_on_backends PRESETS OUTPUT` does on another backend."""
    np.savez(output, **{folder.name: logits(folder) for folder in Path(presets).iterdir()})


def train(model: EmotionClassifier) -> None:
    """Three steps on a batch of which one place has no frame."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(1e-3), loss=loss)
    batch = model.preprocessor(utterances(model, seed=1))
    with model.ready_made_inputs():
        for _ in range(3):
            model.train_on_batch(batch, np.array([0, 1, 2, 1]))


@pytest.fixture(scope="module")
def here(presets: Path) -> dict[str, np.ndarray]:
    """The logits on this backend, by preset."""
    return {folder.name: logits(folder) for folder in presets.iterdir()}


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of classifiers, each backbone with each head: random weights and a few steps of training."""
    folder = tmp_path_factory.mktemp("presets")
    rng = np.random.default_rng(0)
    for backbone, build in FAMILIES.items():
        for head, arguments in HEADS.items():
            # No ReLU: a few channels may all be negative.
            model = classifier(build(), use_batch_norm=True, use_relu=False, **arguments)
            for weight in model.weights:
                scales = weight.name in ("gamma", "scale", "moving_variance")
                draws = rng.normal(size=weight.shape)
                weight.assign(0.5 + np.abs(draws) if scales else 0.3 * draws)
            before = model.get_weights()
            train(model)
            after = model.get_weights()
            assert all(np.isfinite(weights).all() for weights in after), (backbone, head)
            assert any((ours != theirs).any() for ours, theirs in zip(after, before, strict=True))
            model.save_to_preset(str(folder / f"{backbone}-{head}"))
    return folder


@pytest.mark.parametrize("backend", OTHERS)
def test_probabilities_are_the_same(
    presets: Path, here: dict[str, np.ndarray], backend: str, tmp_path: Path
) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    output = tmp_path / "results.npz"
    program = [sys.executable, "-m", "tests.parity.test_heads_on_backends", str(presets), str(output)]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    finished = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    with np.load(output) as others:
        assert len(others) == len(FAMILIES) * len(HEADS)
        for name in others:
            assert np.ptp(here[name][:3], axis=0).max() > 1e-4, name
            ours, theirs = softmax(here[name], axis=1), softmax(others[name], axis=1)
            np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5, err_msg=name)
            # Where one class is as good as certain, probabilities hide what differs.
            largest = max(1.0, np.abs(here[name]).max())
            np.testing.assert_allclose(others[name], here[name], rtol=0, atol=3e-5 * largest, err_msg=name)


if __name__ == "__main__":
    main(*sys.argv[1:])
