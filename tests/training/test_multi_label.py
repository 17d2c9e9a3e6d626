"""Labels of which any number may be right: loss and F1 scores against their definitions."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from kser.training.multi_label_losses import LabelCrossentropy, negatives_per_positive
from kser.training.multi_label_metrics import LabelCrossentropyMean, LabelMacroF1, LabelMicroF1

LABELS = 3
rows = st.lists(st.tuples(*[st.booleans()] * (2 * LABELS)), min_size=1, max_size=20)


def in_batches(metric: keras.metrics.Metric, true: np.ndarray, logits: np.ndarray, size: int = 4) -> float:
    """Batches of one size, the last with empty places that are all yes."""
    for start in range(0, len(true), size):
        part = slice(start, start + size)
        empty = np.ones((size - len(true[part]), LABELS))
        metric.update_state(
            np.concatenate([true[part], empty]),
            np.concatenate([logits[part], empty]),
            sample_weight=np.concatenate([np.ones(len(true[part])), np.zeros(len(empty))]),
        )
    return float(metric.result())


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, (10, LABELS))
    return true, rng.normal(size=true.shape).astype("float32") * 3, rng.uniform(size=10).astype("float32")


@pytest.mark.parametrize("positive_weights", [None, [0.5, 1.0, 4.0]])
def test_loss_is_binary_crossentropy(batch, positive_weights: list[float] | None) -> None:
    true, logits, weights = batch
    yes = 1 / (1 + np.exp(-logits.astype("float64")))
    factors = np.ones(LABELS) if positive_weights is None else np.array(positive_weights)
    losses = -(factors * true * np.log(yes) + (1 - true) * np.log(1 - yes)).mean(axis=1)
    loss = LabelCrossentropy(positive_weights)
    assert float(loss(true, logits)) == pytest.approx(losses.mean(), rel=1e-5)
    expected = np.average(losses, weights=weights)
    assert float(loss(true, logits, weights)) == pytest.approx(expected, rel=1e-5)
    metric = LabelCrossentropyMean(positive_weights)
    assert in_batches(metric, true, logits) == pytest.approx(losses.mean(), rel=1e-5)


def test_large_logits_are_safe() -> None:
    true = np.array([[0, 1, 1]])
    logits = np.array([[1e4, 1e4, -1e4]], "float32")
    assert float(LabelCrossentropy()(true, logits)) == pytest.approx(2e4 / 3)


@settings(deadline=None, max_examples=30)
@given(rows)
def test_f1_scores_are_scikit_learns(pairs: list[tuple[bool, ...]]) -> None:
    both = np.array(pairs, dtype=int)
    true, predicted = both[:, :LABELS], both[:, LABELS:]
    logits = np.where(predicted, 0.1, -0.1)
    involved = [i for i in range(LABELS) if true[:, i].any() or predicted[:, i].any()]
    macro = (
        f1_score(true, predicted, labels=involved, average="macro", zero_division=0.0) if involved else 0.0
    )
    micro = f1_score(true, predicted, average="micro", zero_division=0.0)
    assert in_batches(LabelMacroF1(LABELS), true, logits) == pytest.approx(macro, abs=1e-6)
    assert in_batches(LabelMicroF1(LABELS), true, logits) == pytest.approx(micro, abs=1e-6)


def test_positive_weights_make_yes_and_no_equal() -> None:
    targets = np.array([[1, 0, 1, 1]] + [[0, 0, 1, 0]] * 4)
    weights = negatives_per_positive(targets)
    assert weights == [4.0, 1.0, 1.0, 4.0]


def test_survive_their_configs() -> None:
    loss = keras.losses.deserialize(keras.losses.serialize(LabelCrossentropy([1.0, 2.0])))
    assert loss.positive_weights == [1.0, 2.0]
    for metric in (LabelCrossentropyMean([1.0, 2.0]), LabelMacroF1(2), LabelMicroF1(2)):
        assert keras.metrics.deserialize(keras.metrics.serialize(metric)).get_config() == metric.get_config()
