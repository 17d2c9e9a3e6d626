"""Measures against scikit-learn, and their laws where labels and corpus do not agree."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError
from kser.evaluation.metrics import (
    classification_report,
    confusion_matrix,
    macro_f1,
    unweighted_average_recall,
    weighted_accuracy,
)

LABELS = ["anger", "joy", "neutrality", "sadness"]

# A busy machine is no failure.
unhurried = settings(deadline=None)

pairs = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=60)
pairs_with_foreign = st.lists(
    st.tuples(st.sampled_from([*LABELS, "contempt", "boredom"]), st.sampled_from(LABELS)),
    min_size=1,
    max_size=60,
)


def arguments(utterances):
    true, pred = zip(*utterances, strict=True)
    return {"y_true": list(true), "y_pred": list(pred), "labels": LABELS}


@unhurried
@given(pairs)
def test_measures_are_those_of_scikit_learn(utterances):
    kwargs = arguments(utterances)
    true, pred = kwargs["y_true"], kwargs["y_pred"]
    assert weighted_accuracy(**kwargs) == pytest.approx(sklearn_metrics.accuracy_score(true, pred))
    assert macro_f1(**kwargs) == pytest.approx(
        sklearn_metrics.f1_score(true, pred, average="macro", zero_division=0)
    )
    with warnings.catch_warnings():
        # It warns of a single class, and of one that is predicted but does not occur.
        warnings.simplefilter("ignore")
        balanced_accuracy = sklearn_metrics.balanced_accuracy_score(true, pred)
    assert unweighted_average_recall(**kwargs) == pytest.approx(balanced_accuracy)


@unhurried
@given(pairs)
def test_recall_is_averaged_over_the_classes_of_the_corpus(utterances):
    kwargs = arguments(utterances)
    true, pred = np.array(kwargs["y_true"]), np.array(kwargs["y_pred"])
    recalls = [np.mean(pred[true == label] == label) for label in set(true)]
    assert unweighted_average_recall(**kwargs) == pytest.approx(np.mean(recalls))


@unhurried
@given(pairs)
def test_confusion_matrix_is_that_of_scikit_learn(utterances):
    kwargs = arguments(utterances)
    matrix = confusion_matrix(**kwargs)
    expected = sklearn_metrics.confusion_matrix(kwargs["y_true"], kwargs["y_pred"], labels=LABELS)
    np.testing.assert_array_equal(matrix, expected)
    assert list(matrix.index) == list(matrix.columns) == LABELS


@unhurried
@given(pairs)
def test_report_is_that_of_scikit_learn(utterances):
    kwargs = arguments(utterances)
    expected = sklearn_metrics.classification_report(**kwargs, output_dict=True, zero_division=np.nan)
    for entry in classification_report(**kwargs)["per_label"]:
        theirs = expected[entry["label"]]
        for ours, name in [("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")]:
            value = np.nan if entry[ours] is None else entry[ours]
            assert value == pytest.approx(theirs[name], nan_ok=True)
        assert entry["support"] == theirs["support"]


@unhurried
@given(pairs_with_foreign)
def test_labels_unknown_to_the_model_are_counted_and_left_out(utterances):
    known = [(true, pred) for true, pred in utterances if true in LABELS]
    assume(known)
    report, reference = (classification_report(**arguments(each)) for each in (utterances, known))
    assert report["n"] == len(known)
    assert report["n_excluded"] == len(utterances) - len(known)
    assert sum(entry["support"] for entry in report["labels_unknown_to_model"]) == report["n_excluded"]
    for key in ("uar", "wa", "macro_f1", "per_label", "labels_without_samples"):
        assert report[key] == reference[key]


@unhurried
@given(pairs_with_foreign)
def test_confusion_matrix_drops_no_utterance(utterances):
    matrix = confusion_matrix(**arguments(utterances))
    assert matrix.to_numpy().sum() == len(utterances)
    unknown = dict.fromkeys(true for true, _ in utterances if true not in LABELS)
    assert list(matrix.index) == [*LABELS, *unknown]
    assert list(matrix.columns) == LABELS


def test_a_worked_example():
    kwargs = {
        "y_true": ["joy", "joy", "joy", "anger", "contempt"],
        "y_pred": ["joy", "joy", "anger", "anger", "joy"],
        "labels": ["anger", "fear", "joy"],
    }
    assert classification_report(**kwargs) == {
        "n": 4,
        "n_excluded": 1,
        "uar": pytest.approx((2 / 3 + 1) / 2),
        "wa": 0.75,
        "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2),
        "per_label": [
            {"label": "anger", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
            {"label": "fear", "precision": None, "recall": None, "f1": None, "support": 0},
            {"label": "joy", "precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3},
        ],
        "labels_without_samples": ["fear"],
        "labels_unknown_to_model": [{"label": "contempt", "support": 1}],
    }
    assert confusion_matrix(**kwargs).to_numpy().tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 2], [0, 0, 1]]


def test_a_class_that_is_only_predicted_counts_in_f1_but_not_in_recall():
    kwargs = {"y_true": ["joy", "joy"], "y_pred": ["joy", "fear"], "labels": ["fear", "joy"]}
    assert unweighted_average_recall(**kwargs) == 0.5
    assert macro_f1(**kwargs) == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize("container", [list, np.array, pd.Series, pd.Categorical])
def test_integer_labels_in_any_container(container):
    report = classification_report(y_true=container([0, 2, 2]), y_pred=container([0, 2, 0]), labels=[0, 1, 2])
    assert report["uar"] == 0.75
    assert json.loads(json.dumps(report)) == report
    assert [type(entry["label"]) for entry in report["per_label"]] == [int, int, int]


def test_report_is_json_of_plain_labels():
    report = classification_report(
        y_true=np.array(["joy", "fear"]), y_pred=np.array(["joy", "joy"]), labels=np.array(["joy", "anger"])
    )
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize("measure", [unweighted_average_recall, weighted_accuracy, macro_f1])
def test_nothing_to_evaluate_names_both_sides(measure):
    with pytest.raises(UserError, match=r"the model knows 'joy'; the corpus has 0, 1\)"):
        measure(y_true=[0, 1], y_pred=["joy", "joy"], labels=["joy"])
    with pytest.raises(UserError, match="the corpus has none"):
        measure(y_true=[], y_pred=[], labels=["joy"])


def test_confusion_matrix_of_nothing_is_all_zeros():
    assert confusion_matrix(y_true=[], y_pred=[], labels=LABELS).to_numpy().tolist() == [[0] * 4] * 4


def test_a_model_with_no_overlap_still_has_a_confusion_matrix():
    assert confusion_matrix(y_true=[0, 1], y_pred=["joy", "joy"], labels=["joy"]).loc[1, "joy"] == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"y_true": ["joy"]}, "y_true has 1 labels but y_pred has 2"),
        ({"labels": ["joy", "fear", "joy"]}, "twice"),
        ({"y_pred": ["joy", "awe"]}, "y_pred holds 'awe', which is not among labels"),
    ],
)
def test_mistakes_of_the_caller_are_named(wrong, message):
    right = {"y_true": ["joy", "fear"], "y_pred": ["joy", "joy"], "labels": ["joy", "fear"]}
    with pytest.raises(ValueError, match=message):
        classification_report(**right | wrong)


def test_true_and_predicted_cannot_be_swapped_unseen():
    with pytest.raises(TypeError):
        weighted_accuracy(["joy"], ["joy"], ["joy"])
