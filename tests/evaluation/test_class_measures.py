"""Measures of many confusion matrices at once are those of each, and keep within their bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.evaluation.class_measures import CLASS_MEASURES, class_outcome, measures_of_matrices
from kser.evaluation.labels import encode
from kser.evaluation.metrics import classification_report

unhurried = settings(deadline=None, max_examples=40)
utterances = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=60
)


@unhurried
@given(utterances)
def test_they_are_those_of_the_report(drawn):
    true, pred, speakers = np.array(drawn).T
    sums = class_outcome(encode(true, pred, range(4))).by_speaker(speakers, 5)
    report = classification_report(y_true=true, y_pred=pred, labels=range(4))
    assert sums.estimates == pytest.approx({measure.name: report[measure.name] for measure in CLASS_MEASURES})


@unhurried
@given(utterances)
def test_many_at_once_are_each_alone(drawn):
    true, pred, speakers = np.array(drawn).T
    sums = class_outcome(encode(true, pred, range(4))).by_speaker(speakers, 5)
    together = sums.measures(sums.sums)
    for speaker in range(5):
        alone = sums.measures(sums.sums[speaker])
        for measure in CLASS_MEASURES:
            values = together[measure.name]
            assert values[speaker] == pytest.approx(alone[measure.name], nan_ok=True)


def test_an_empty_matrix_has_no_measures():
    assert all(np.isnan(value) for value in measures_of_matrices(np.zeros((3, 3))).values())


@unhurried
@given(utterances)
def test_measures_keep_within_their_bounds(drawn):
    true, pred, _ = np.array(drawn).T
    estimates = class_outcome(encode(true, pred, range(4))).estimates
    for measure in CLASS_MEASURES:
        low, high = measure.bounds
        assert low - 1e-12 <= estimates[measure.name] <= high + 1e-12
