"""What holds on this backend holds on the others: one process each, started once for all tests."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from kser.models import EmotionClassifier
from tests.golden import VARIANTS, expected, golden_folder
from tests.parity.backend_program import UTTERANCE, initial_weights, probabilities
from tests.parity.comparison import assert_equal_states

ROOT = Path(__file__).parents[2]
OTHERS = [name for name in ("jax", "tensorflow", "torch") if name != keras.config.backend()]


# Of each family one, and what only one of them has.
CLASSIFIERS = (
    "layer_norm_post",
    "hubert",
    "hubert_batch_norm",
    "wavlm_large",
    "data2vec_audio",
    "unispeech",
    "unispeech_sat",
)


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Classifiers on checkpoints that transformers wrote, saved on this backend; named as the checkpoints."""
    folder = tmp_path_factory.mktemp("classifiers")
    for variant in CLASSIFIERS:
        classifier = EmotionClassifier.from_preset(golden_folder(variant), labels=["anger", "joy", "sadness"])
        head = classifier.get_layer("logits")
        head.kernel.assign(head.kernel * 10)  # as drawn it hardly tells the classes apart
        classifier.save_to_preset(str(folder / variant))
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


@pytest.mark.parametrize("variant", CLASSIFIERS)
def test_classifier_saved_here_gives_the_same_probabilities_there(other, presets: Path, variant: str) -> None:
    here = probabilities(presets / variant)
    assert here.std(axis=1).min() > 1e-3  # no uniform distribution, which any broken model could give
    np.testing.assert_allclose(other[f"probabilities/{variant}"], here, rtol=0, atol=1e-5)


def test_initial_weights_follow_from_the_seed_alone(other) -> None:
    here = initial_weights()
    there = {name.removeprefix("initial/"): other[name] for name in other if name.startswith("initial/")}
    assert here.keys() == there.keys()
    for name, weights in here.items():
        np.testing.assert_allclose(there[name], weights, rtol=1e-6, atol=0, err_msg=name)
