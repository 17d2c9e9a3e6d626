"""The canonical order of classes."""

import numpy as np
import pytest

from kser.corpora.labels import label_order


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["sadness", "anger", "sadness"], ["anger", "sadness"]),
        (["10", "9", "1", "9"], ["1", "9", "10"]),
        (["-1", "0", "-10"], ["-10", "-1", "0"]),
        (["10", "9", "other"], ["10", "9", "other"]),
        ([3, 20, 1], ["1", "3", "20"]),
        (np.array([2, 1, 10]), ["1", "2", "10"]),
        (["1", "01"], ["01", "1"]),
        (["2" * 5000, "10"], ["10", "2" * 5000]),
        ([], []),
    ],
)
def test_order(values, order: list[str]) -> None:
    assert label_order(values) == order
    assert label_order(list(values)[::-1]) == order
