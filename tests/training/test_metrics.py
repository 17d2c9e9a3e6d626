"""Metrics of validation equal scikit-learn's over the whole set, however it is cut into batches."""

import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from kser.training.losses import ClassWeightedCrossentropy
from kser.training.metrics import (
    ClassWeightedCrossentropyMean,
    MacroF1,
    UnweightedAverageRecall,
    classification_metrics,
)

CLASSES = 4
labels = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=30
)


def update_in_batches(metric, targets, logits, size=8):
    """Batches of one size, the last with empty places, as the pipeline gives them."""
    for start in range(0, len(targets), size):
        part = slice(start, start + size)
        empty = size - len(targets[part])
        metric.update_state(
            np.concatenate([targets[part], np.zeros(empty, int)]),
            np.concatenate([logits[part], np.zeros((empty, CLASSES))]),
            sample_weight=np.concatenate([np.ones(len(targets[part])), np.zeros(empty)]),
        )
    return float(metric.result())


@settings(deadline=None, max_examples=30)
@given(labels)
def test_uar_is_balanced_accuracy(pairs):
    true, predicted = map(np.array, zip(*pairs, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of predictions of a class that does not occur
        expected = sklearn_metrics.balanced_accuracy_score(true, predicted)
    assert update_in_batches(
        UnweightedAverageRecall(CLASSES), true, np.eye(CLASSES)[predicted]
    ) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(labels)
def test_f1score_is_macro_f1(pairs):
    true, predicted = map(np.array, zip(*pairs, strict=True))
    expected = sklearn_metrics.f1_score(true, predicted, average="macro", zero_division=0.0)
    assert update_in_batches(MacroF1(CLASSES), true, np.eye(CLASSES)[predicted]) == pytest.approx(
        expected, abs=1e-6
    )


def test_crossentropy_does_not_depend_on_the_batches():
    rng = np.random.default_rng(0)
    targets, logits = rng.integers(0, CLASSES, 21), rng.normal(size=(21, CLASSES))
    class_weights = [1.0, 5.0, 0.1, 2.0]
    whole = float(ClassWeightedCrossentropy(class_weights)(targets, logits))
    for size in (4, 8, 21):
        metric = ClassWeightedCrossentropyMean(class_weights)
        assert update_in_batches(metric, targets, logits, size) == pytest.approx(whole, rel=1e-5)


def test_metrics_survive_their_configs():
    for metric in classification_metrics([1.0, 2.0]):
        restored = keras.metrics.deserialize(keras.metrics.serialize(metric))
        assert restored.name == metric.name
        assert restored.get_config() == metric.get_config()
