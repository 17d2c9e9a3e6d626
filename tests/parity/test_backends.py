"""What holds on this backend holds on the others: one process each, started once for all tests."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kser.models import (
    EmotionClassifier,
    EmotionRegressor,
    EmotionTagger,
    EmotionTask,
    MultiTaskEmotionModel,
)
from tests.golden import ENCODERS, VARIANTS, expected, expected_of_encoder, golden_folder
from tests.models.small_poolings import POOLING_ARGUMENTS
from tests.parity.backend_program import UTTERANCE, dropped, initial_weights, task_outputs
from tests.parity.comparison import assert_equal_states

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
OTHERS = [name for name in ("jax", "tensorflow", "torch") if name != keras.config.backend()]


# Of each family one, and what only one of them has, each with another pooling; test_heads_on_backends.py
# has them all.
CLASSIFIERS = {
    "layer_norm_post": "sum",
    "hubert": "first_last",
    "hubert_batch_norm": "multi_head_attention",
    "wavlm_large": "att_stats",
    "data2vec_audio": "attention",
    "unispeech": "max",
    "unispeech_sat": "mean",
    "whisper": "mean",
    "moonshine": "mean",
}
LABELS = ["anger", "joy", "sadness"]
UNITS: dict[str, Any] = {"targets": ["arousal", "valence"], "offsets": [4.0, 0.1], "scales": [1.3, 0.7]}
TASKS: dict[str, tuple[type[EmotionTask], dict[str, Any]]] = {
    "regressor": (EmotionRegressor, UNITS),
    "tagger": (EmotionTagger, {"labels": LABELS}),
    "multi_task": (MultiTaskEmotionModel, {"labels": LABELS, **UNITS}),
}


def save_with_a_head_that_tells_apart(task: EmotionTask, folder: Path) -> None:
    """As drawn a head hardly does."""
    for layer in task.layers:
        if layer.name in ("logits", "standardized_values"):
            layer.kernel.assign(layer.kernel * 10)
    task.save_to_preset(str(folder))


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tasks on checkpoints that transformers wrote, saved on this backend; classifiers named as those."""
    folder = tmp_path_factory.mktemp("tasks")
    for variant, pooling in CLASSIFIERS.items():
        head: dict[str, Any] = {"pooling": pooling, "pooling_arguments": POOLING_ARGUMENTS.get(pooling)}
        classifier = EmotionClassifier.from_preset(golden_folder(variant), labels=LABELS, **head)
        save_with_a_head_that_tells_apart(classifier, folder / variant)
    for name, (cls, arguments) in TASKS.items():
        task = cls.from_preset(golden_folder("layer_norm_post"), **arguments)
        save_with_a_head_that_tells_apart(task, folder / name)
    return folder


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, presets: Path, tmp_path_factory: pytest.TempPathFactory):
    """Results of `backend_program` on another backend."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    output = tmp_path_factory.mktemp(request.param) / "results.npz"
    program = [sys.executable, "-m", "tests.parity.backend_program", str(presets), str(output)]
    environment = {**os.environ, "KERAS_BACKEND": request.param}
    finished = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    with np.load(output) as results:
        assert results["backend"] == request.param
        return dict(results)


@pytest.mark.parametrize("variant", VARIANTS)
def test_hidden_states_are_those_of_transformers(other, variant: str) -> None:
    arrays = expected(variant)
    assert_equal_states(other[f"{variant}/alone"], arrays[f"hidden_states_unpadded_{UTTERANCE}"])
    for i, frames in enumerate(arrays["frames"]):
        states = other[f"{variant}/batch"][:, i, :frames]
        assert_equal_states(states, arrays[f"hidden_states_unpadded_{i}"])


@pytest.mark.parametrize("name", ENCODERS)
def test_hidden_states_of_encoders_are_those_of_transformers(other, name: str) -> None:
    for i in range(3):
        theirs = expected_of_encoder(name)[f"hidden_states_unpadded_{i}"]
        assert_equal_states(other[f"{name}/batch"][:, i, : theirs.shape[1]], theirs)


@pytest.mark.parametrize("variant", CLASSIFIERS)
def test_classifier_saved_here_gives_the_same_probabilities_there(other, presets: Path, variant: str) -> None:
    here = task_outputs(presets / variant)
    assert here.std(axis=1).min() > 1e-3  # no uniform distribution, which any broken model could give
    np.testing.assert_allclose(other[f"outputs/{variant}"], here, rtol=0, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_task_saved_here_gives_the_same_outputs_there(other, presets: Path, task: str) -> None:
    here = task_outputs(presets / task)
    assert np.ptp(here, axis=0).min() > 1e-3  # utterances differ
    np.testing.assert_allclose(other[f"outputs/{task}"], here, rtol=0, atol=1e-5)


def test_initial_weights_follow_from_the_seed_alone(other) -> None:
    here = initial_weights()
    others = {name.removeprefix("initial/"): other[name] for name in other if name.startswith("initial/")}
    assert here.keys() == others.keys()
    for name, weights in here.items():
        np.testing.assert_allclose(others[name], weights, rtol=1e-6, atol=0, err_msg=name)


def test_dropout_of_a_seed_drops_the_same(other) -> None:
    if other["backend"] == "torch":
        pytest.skip("PyTorch has a fast dropout of its own")
    np.testing.assert_array_equal(other["dropped"], dropped())
