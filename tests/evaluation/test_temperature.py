"""Temperature scaling and the threshold of confidence."""

import numpy as np
import pytest
from scipy.special import softmax

from kser.evaluation.temperature import (
    HIGHEST,
    LOWEST,
    best_temperature,
    best_threshold,
    scaled_probabilities,
    temperature_report,
)


def drawn(temperature: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are so many times too large, and classes that were drawn of the true probabilities."""
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(n, 4))
    true = [rng.choice(4, p=row) for row in softmax(logits, axis=1)]
    return logits * temperature, np.array(true)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_it_finds_how_much_too_sure_a_model_is(temperature):
    logits, true = drawn(temperature)
    assert best_temperature(logits=logits, y_true=true) == pytest.approx(temperature, rel=0.06)


def test_scaling_mends_the_calibration_and_leaves_the_class():
    logits, true = drawn(3.0)
    report = temperature_report(logits=logits, y_true=true)
    assert report["n"] == len(true)
    assert report["ece"] > 0.15
    assert report["ece_scaled"] < 0.04
    scaled = scaled_probabilities(softmax(logits, axis=1), report["temperature"])
    np.testing.assert_array_equal(scaled.argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(scaled, softmax(logits / report["temperature"], axis=1), atol=1e-12)


def test_a_model_that_is_always_right_or_never_stays_within_bounds():
    logits = np.eye(3)
    assert best_temperature(logits=logits, y_true=[0, 1, 2]) == pytest.approx(LOWEST, rel=0.01)
    assert best_temperature(logits=logits, y_true=[1, 2, 0]) == pytest.approx(HIGHEST, rel=0.01)


def test_probabilities_of_zero_stay_numbers():
    assert np.isfinite(scaled_probabilities(np.array([[1.0, 0.0]]), 2.0)).all()


def test_the_threshold_parts_right_from_wrong():
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert best_threshold(confidence=confidence, right=np.array([1, 1, 1, 0, 0], bool)) == 0.7
    # 0.6 gives 3/3 − 1/2, 0.8 gives 2/3 − 0.
    assert best_threshold(confidence=confidence, right=np.array([1, 1, 0, 1, 0], bool)) == 0.8


def test_equal_confidence_is_not_parted():
    confidence = np.array([0.9, 0.9, 0.9, 0.4])
    assert best_threshold(confidence=confidence, right=np.array([1, 0, 1, 0], bool)) == 0.9


@pytest.mark.parametrize("right", [True, False])
def test_where_nothing_is_to_be_parted_all_are_sure(right):
    assert best_threshold(confidence=np.array([0.3, 0.9]), right=np.array([right, right])) == 0.0
