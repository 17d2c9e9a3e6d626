"""The solved head is scikit-learn's, whatever the classes and the scale of the vectors."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kser.errors import UserError
from kser.training.logistic_regression import REGULARIZATIONS, Solution, solve

CHANNELS = 6


def vectors_of(classes: np.ndarray, seed: int) -> np.ndarray:
    """Around a centre a class, channels of different scales and far from 0; one does not vary."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(classes.max() + 1, CHANNELS))
    vectors = (centres[classes] + rng.normal(size=(len(classes), CHANNELS))) * 10.0 ** np.arange(CHANNELS)
    vectors[:, 0] = 7.0
    return vectors + 100.0


def solved(num_classes: int, names: int, **settings) -> tuple[Solution, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    classes, held_out = rng.integers(num_classes, size=90), rng.integers(num_classes, size=60)
    vectors, further = vectors_of(classes, 2), vectors_of(held_out, 3)
    return solve((vectors, classes), (further, held_out), names, **settings), vectors, classes, further


@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize("use_class_weights", [True, False])
def test_probabilities_are_those_of_scikit_learn(num_classes: int, use_class_weights: bool) -> None:
    solution, vectors, classes, further = solved(
        num_classes, num_classes, use_class_weights=use_class_weights
    )
    assert solution.regularization in REGULARIZATIONS
    expected = make_pipeline(
        StandardScaler(),
        LogisticRegression(
            C=solution.regularization,
            class_weight="balanced" if use_class_weights else None,
            max_iter=10_000,
        ),
    ).fit(vectors, classes)
    logits = solution.logits(further)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        odds / odds.sum(axis=1, keepdims=True), expected.predict_proba(further), atol=1e-6
    )


def test_the_best_on_the_validation_part_regularises_as_much_as_it_may() -> None:
    classes = np.repeat([0, 1], 20)
    vectors = np.random.default_rng(0).normal(size=(40, 2)) * 0.1 + classes[:, None] * 5.0
    assert solve((vectors, classes), (vectors, classes), 2).regularization == REGULARIZATIONS[0]
    # Labels that the training part contradicts ask for as little of it as there is.
    assert solve((vectors, classes), (vectors, 1 - classes), 2).regularization == REGULARIZATIONS[0]


def test_a_class_without_training_data_is_never_named() -> None:
    solution, _, _, further = solved(3, 5)
    assert solution.kernel.shape == (CHANNELS, 5)
    assert set(solution.logits(further).argmax(axis=1)) <= {0, 1, 2}


def test_one_class_alone_is_told() -> None:
    alone = (np.zeros((3, 2)), np.zeros(3, int))
    with pytest.raises(UserError, match="head_solver: the training part has one class only"):
        solve(alone, alone, 2, use_class_weights=True)
