"""Measures against scikit-learn, and their laws where labels and corpus do not agree."""

import json
import warnings

import audmetric
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError
from kser.evaluation.metrics import (
    class_measures,
    classification_report,
    confusion_matrix,
    row_shares,
    top_confusions,
)
from kser.evaluation.speaker_bootstrap import Resampling

LABELS = ["anger", "joy", "neutrality", "sadness"]

# A busy machine is no failure.
unhurried = settings(deadline=None, max_examples=40)

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
def test_row_shares_are_scikit_learns_normalised_matrix(utterances):
    kwargs = arguments(utterances)
    shares = row_shares(confusion_matrix(**kwargs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn divides empty rows by zero and calls them 0
        expected = sklearn_metrics.confusion_matrix(
            kwargs["y_true"], kwargs["y_pred"], labels=LABELS, normalize="true"
        )
    np.testing.assert_allclose(shares.fillna(0).to_numpy(), expected)
    assert shares.isna().all(axis=1).tolist() == [label not in kwargs["y_true"] for label in LABELS]


@unhurried
@given(pairs)
def test_measures_are_those_of_scikit_learn(utterances):
    kwargs = arguments(utterances)
    true, pred = kwargs["y_true"], kwargs["y_pred"]
    assert class_measures(**kwargs)["wa"] == pytest.approx(sklearn_metrics.accuracy_score(true, pred))
    assert class_measures(**kwargs)["macro_f1"] == pytest.approx(
        sklearn_metrics.f1_score(true, pred, average="macro", zero_division=0)
    )
    with warnings.catch_warnings():
        # It warns of a single class, and of one that is predicted but does not occur.
        warnings.simplefilter("ignore")
        balanced_accuracy = sklearn_metrics.balanced_accuracy_score(true, pred)
        mcc = sklearn_metrics.matthews_corrcoef(true, pred)
    assert class_measures(**kwargs)["uar"] == pytest.approx(balanced_accuracy)
    assert class_measures(**kwargs)["mcc"] == pytest.approx(mcc)
    assert class_measures(**kwargs)["weighted_f1"] == pytest.approx(
        sklearn_metrics.f1_score(true, pred, average="weighted", zero_division=0)
    )


@unhurried
@given(pairs)
def test_measures_are_those_of_audmetric(utterances):
    kwargs = arguments(utterances)
    true, pred = kwargs["y_true"], kwargs["y_pred"]
    assert class_measures(**kwargs)["wa"] == pytest.approx(audmetric.accuracy(true, pred))
    # Its mean counts classes without samples as 0; ours leaves them out.
    occurring = set(true)
    recalls = audmetric.recall_per_class(true, pred, labels=sorted(set(true) | set(pred)))
    expected = np.mean([recall for label, recall in recalls.items() if label in occurring])
    assert class_measures(**kwargs)["uar"] == pytest.approx(expected)


@unhurried
@given(pairs)
def test_recall_is_averaged_over_the_classes_of_the_corpus(utterances):
    kwargs = arguments(utterances)
    true, pred = np.array(kwargs["y_true"]), np.array(kwargs["y_pred"])
    recalls = [np.mean(pred[true == label] == label) for label in set(true)]
    assert class_measures(**kwargs)["uar"] == pytest.approx(np.mean(recalls))


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
    keys = ("uar", "wa", "macro_f1", "weighted_f1", "mcc", "per_label", "labels_without_samples")
    for key in (*keys, "top_confusions"):
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
        "weighted_f1": pytest.approx((2 / 3 + 3 * 4 / 5) / 4),
        "mcc": pytest.approx((3 * 4 - (1 * 2 + 3 * 2)) / np.sqrt((16 - 8) * (16 - 10))),
        "per_label": [
            {"label": "anger", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
            {"label": "fear", "precision": None, "recall": None, "f1": None, "support": 0},
            {"label": "joy", "precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3},
        ],
        "labels_without_samples": ["fear"],
        "labels_unknown_to_model": [{"label": "contempt", "support": 1}],
        "top_confusions": [{"true": "joy", "predicted": "anger", "count": 1, "share": pytest.approx(1 / 3)}],
    }
    assert confusion_matrix(**kwargs).to_numpy().tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 2], [0, 0, 1]]


def test_a_class_that_is_only_predicted_counts_in_f1_but_not_in_recall():
    kwargs = {"y_true": ["joy", "joy"], "y_pred": ["joy", "fear"], "labels": ["fear", "joy"]}
    assert class_measures(**kwargs)["uar"] == 0.5
    assert class_measures(**kwargs)["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


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


@pytest.mark.parametrize("measure", [class_measures, classification_report])
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
        class_measures(["joy"], ["joy"], ["joy"])


def test_top_confusions_are_sorted_by_count_and_share():
    kwargs = {
        "y_true": ["a"] * 5 + ["b"] * 3 + ["c"] * 6 + ["x"] * 9,
        "y_pred": ["b", "b", "a", "a", "a", "c", "c", "b", "a", "a", "a", "c", "c", "b"] + ["a"] * 9,
        "labels": ["a", "b", "c"],
    }
    expected = [("c", "a", 3, 1 / 2), ("b", "c", 2, 2 / 3), ("a", "b", 2, 2 / 5), ("c", "b", 1, 1 / 6)]
    assert top_confusions(**kwargs) == expected
    assert top_confusions(**kwargs, most=1) == expected[:1]
    assert top_confusions(y_true=["a"], y_pred=["a"], labels=["a", "b"]) == []


def full_arguments(n=120, seed=0):
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(4), n)
    speakers = rng.integers(0, 12, n)
    return {
        "y_true": rng.choice([*LABELS, "contempt"], n),
        "y_pred": [LABELS[i] for i in probabilities.argmax(axis=1)],
        "labels": LABELS,
        "speakers": [f"s{i}" for i in speakers],
        "probabilities": probabilities,
        "groups": {
            "gender": np.where(speakers % 2, "female", "male"),
            "style": rng.choice(["a", "b", ""], n),
        },
        "resampling": Resampling(resamples=200, seed=seed),
    }


def test_the_whole_report_is_json_and_follows_from_its_seed():
    report = classification_report(**full_arguments())
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report == classification_report(**full_arguments())
    assert report["intervals"] != classification_report(**full_arguments(seed=1))["intervals"]
    assert report["calibration"]["n"] == report["n"] < 120
    assert list(report["subgroups"]) == list(report["subgroup_tests"]) == ["gender", "style"]
    assert report["subgroups"]["gender"].keys() == {"female", "male"}
    for measure in ("uar", "wa", "macro_f1", "weighted_f1", "mcc"):
        low, high = report["intervals"][measure]
        assert low <= report[measure] <= high


def test_the_order_of_the_utterances_does_not_matter():
    kwargs = full_arguments()
    order = np.random.default_rng(0).permutation(120)
    per_utterance = ("y_true", "y_pred", "speakers", "probabilities")
    shuffled = kwargs | {name: np.asarray(kwargs[name])[order] for name in per_utterance}
    shuffled["groups"] = {name: np.asarray(values)[order] for name, values in kwargs["groups"].items()}
    one, other = classification_report(**kwargs), classification_report(**shuffled)
    assert one["intervals"] == other["intervals"]
    assert one["subgroups"] == other["subgroups"]
    assert one["subgroup_tests"] == other["subgroup_tests"]


def test_groups_without_speakers_are_refused():
    with pytest.raises(ValueError, match="groups need speakers"):
        classification_report(y_true=["a"], y_pred=["a"], labels=["a"], groups={"gender": ["female"]})
