"""Measures of confusion matrices are those of labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.evaluation.confusion_measures import CLASSIFICATION_MEASURES, counts_by_speaker, measures_of_counts
from kser.evaluation.metrics import classification_report

unhurried = settings(deadline=None, max_examples=40)
utterances = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=60
)


@unhurried
@given(utterances)
def test_they_are_those_of_the_report(drawn):
    true, pred, speakers = np.array(drawn).T
    sums = counts_by_speaker(true, pred, speakers, 5, 4)
    report = classification_report(y_true=true, y_pred=pred, labels=range(4))
    assert sums.estimates == pytest.approx({name: report[name] for name in CLASSIFICATION_MEASURES})


@unhurried
@given(utterances)
def test_many_at_once_are_each_alone(drawn):
    true, pred, speakers = np.array(drawn).T
    sums = counts_by_speaker(true, pred, speakers, 5, 4)
    together = sums.measures(sums.sums)
    for speaker in range(5):
        alone = sums.measures(sums.sums[speaker])
        for name in CLASSIFICATION_MEASURES:
            assert together[name][speaker] == pytest.approx(alone[name], nan_ok=True)


def test_an_empty_matrix_has_no_measures():
    assert all(np.isnan(value) for value in measures_of_counts(np.zeros((3, 3))).values())
