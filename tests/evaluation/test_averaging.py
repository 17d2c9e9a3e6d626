"""Confusion matrices averaged over seeds."""

import numpy as np
import pandas as pd
import pytest

from kser.evaluation.averaging import average_confusions
from kser.evaluation.metrics import confusion_matrix


def matrix(true, pred, labels="abc"):
    return confusion_matrix(y_true=list(true), y_pred=list(pred), labels=list(labels))


def test_counts_and_shares():
    averaged = average_confusions([matrix("aaab", "aabb"), matrix("ab", "ab")])
    assert averaged.runs == 2
    assert averaged.counts.loc["a"].tolist() == [1.5, 0.5, 0.0]
    # Each run's row weighs the same: 2/3 and 1, not 3 of 4.
    assert averaged.shares.loc["a", "a"] == pytest.approx((2 / 3 + 1) / 2)
    assert averaged.sd.loc["a", "a"] == pytest.approx(np.std([2 / 3, 1], ddof=1))
    assert averaged.shares.loc["c"].isna().all()
    assert (averaged.shares.index.name, averaged.shares.columns.name) == ("true", "predicted")


def test_a_run_without_a_label_is_left_out_of_its_row():
    averaged = average_confusions([matrix("ab", "ab"), matrix("bb", "bb"), matrix("ab", "bb")])
    assert averaged.shares.loc["a", "a"] == 0.5
    assert averaged.sd.loc["a", "a"] == pytest.approx(np.std([1, 0], ddof=1))
    assert averaged.counts.loc["b", "b"] == pytest.approx(4 / 3)


def test_labels_that_only_some_know():
    averaged = average_confusions([matrix("ad", "ab"), matrix("a", "e", labels="abe")])
    assert list(averaged.counts.index) == ["a", "b", "c", "d", "e"]
    assert list(averaged.counts.columns) == ["a", "b", "c", "e"]
    assert averaged.shares.loc["a"].tolist() == [0.5, 0.0, 0.0, 0.5]


def test_one_run_has_no_spread():
    averaged = average_confusions([matrix("ab", "ab")])
    assert averaged.shares.loc["a", "a"] == 1.0
    assert np.isnan(averaged.sd.loc["a", "a"])


def test_it_reads_back_what_it_was_written_as(tmp_path):
    written = matrix("aab", "aba")
    written.to_csv(tmp_path / "confusion_matrix.csv")
    read = pd.read_csv(tmp_path / "confusion_matrix.csv", index_col=0)
    pd.testing.assert_frame_equal(
        average_confusions([written]).shares, average_confusions([read]).shares, check_names=False
    )


def test_no_matrix_is_a_mistake():
    with pytest.raises(ValueError, match="no confusion matrix"):
        average_confusions([])
