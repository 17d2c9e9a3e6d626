"""Measures have names that people know."""

import pytest

from kser.evaluation.measure_names import measure_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("uar", "UAR"),
        ("macro_f1", "macro F1"),
        ("ccc_arousal", "CCC of arousal"),
        ("mse_long_name", "MSE of long_name"),
        ("f1_anger", "F1 of anger"),
        ("my_measure", "my_measure"),
        ("ccc_", "ccc_"),
    ],
)
def test_names(key, name):
    assert measure_name(key) == name
