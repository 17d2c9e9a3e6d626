"""Multi-label measures against scikit-learn, also where labels are absent, and their report."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn_metrics

from kser.errors import UserError
from kser.evaluation.multi_label import multi_label_report
from kser.evaluation.speaker_bootstrap import Resampling

LABELS = ["anger", "joy", "sadness"]
unhurried = settings(deadline=None, max_examples=40)
# Few values, so that probabilities tie, and one of them is the threshold.
both = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.int64, (n, 3), elements=st.integers(0, 1)),
        hnp.arrays(np.float64, (n, 3), elements=st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])),
    )
)


def drawn(n=120, seed=0):
    rng = np.random.default_rng(seed)
    true = (rng.random((n, 3)) < [0.2, 0.5, 0.7]).astype(int)
    return true, np.clip(0.3 * true + rng.uniform(0, 0.7, size=true.shape), 0, 1), np.arange(n) % 10


@unhurried
@given(both)
def test_measures_are_those_of_scikit_learn(pair):
    true, probabilities = pair
    given_labels = (probabilities >= 0.5).astype(int)
    report = multi_label_report(y_true=true, probabilities=probabilities, labels=LABELS)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    if (true | given_labels).any():
        f1 = {"y_true": true, "y_pred": given_labels}
        macro = sklearn_metrics.f1_score(**f1, average="macro", zero_division=np.nan)
        assert report["macro_f1"] == pytest.approx(macro)
        assert report["micro_f1"] == pytest.approx(sklearn_metrics.f1_score(**f1, average="micro"))
    else:
        assert report["macro_f1"] is None and report["micro_f1"] is None
    assert report["subset_accuracy"] == pytest.approx((true == given_labels).all(axis=1).mean())
    assert report["hamming_loss"] == pytest.approx(sklearn_metrics.hamming_loss(true, given_labels))
    defined = []
    for i, entry in enumerate(report["per_label"]):
        assert (entry["support"], entry["predicted"]) == (true[:, i].sum(), given_labels[:, i].sum())
        if 0 < entry["support"] < len(true):
            defined.append(sklearn_metrics.roc_auc_score(true[:, i], probabilities[:, i]))
            assert entry["auc"] == pytest.approx(defined[-1])
        else:
            assert entry["auc"] is None
        assert (entry["recall"] is None) == (entry["support"] == 0) == (entry["average_precision"] is None)
        assert (entry["precision"] is None) == (entry["predicted"] == 0)
    assert report["macro_auc"] == (pytest.approx(np.mean(defined)) if defined else None)
    assert report["labels_without_samples"] == [
        label for label, occurs in zip(LABELS, true.any(axis=0), strict=True) if not occurs
    ]


def test_intervals_and_groups():
    true, probabilities, speakers = drawn()
    gender = np.where(speakers < 5, "female", "male")
    arguments = {"speakers": speakers, "groups": {"gender": gender}, "resampling": Resampling(resamples=100)}
    report = multi_label_report(y_true=true, probabilities=probabilities, labels=LABELS, **arguments)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for name in ("macro_f1", "micro_f1", "subset_accuracy", "hamming_loss"):
        low, high = report["intervals"][name]
        assert low < report[name] < high
    women = report["subgroups"]["gender"]["female"]
    alone = multi_label_report(
        y_true=true[gender == "female"], probabilities=probabilities[gender == "female"], labels=LABELS
    )
    for name in ("n", "macro_f1", "micro_f1", "hamming_loss"):
        assert women[name] == pytest.approx(alone[name])
    assert women["f1_joy"] == pytest.approx(alone["per_label"][1]["f1"])
    tests = report["subgroup_tests"]["gender"]
    assert tests["measure"] == "macro_f1"
    [test] = tests["comparisons"]
    men = report["subgroups"]["gender"]["male"]
    assert test["difference"] == pytest.approx(women["macro_f1"] - men["macro_f1"])
    assert 0 < test["p"] <= 1 and test["labels"] == LABELS


def test_groups_are_compared_on_the_labels_that_both_have():
    true, probabilities, speakers = drawn()
    women = speakers < 5
    true[women, 0] = 0
    gender = {"gender": np.where(women, "female", "male")}
    arguments = {
        "labels": LABELS,
        "speakers": speakers,
        "groups": gender,
        "resampling": Resampling(resamples=50),
    }
    report = multi_label_report(y_true=true, probabilities=probabilities, **arguments)
    assert report["subgroups"]["gender"]["female"]["labels_without_samples"] == ["anger"]
    [test] = report["subgroup_tests"]["gender"]["comparisons"]
    assert test["labels"] == ["joy", "sadness"]
    given_labels = probabilities >= 0.5
    expected = [
        sklearn_metrics.f1_score(true[group, 1:], given_labels[group, 1:], average="macro")
        for group in (women, ~women)
    ]
    assert test["difference"] == pytest.approx(expected[0] - expected[1])
    true[:, 1:] = ~women[:, None] & (true[:, 1:] > 0)
    [test] = multi_label_report(y_true=true, probabilities=probabilities, **arguments)["subgroup_tests"][
        "gender"
    ]["comparisons"]
    assert test["p"] is None and "no label occurs in both groups" in test["warning"]


def test_the_threshold_decides_which_labels_are_given():
    true, probabilities, _ = drawn()
    low = multi_label_report(y_true=true, probabilities=probabilities, labels=LABELS, threshold=0.0)
    assert [entry["recall"] for entry in low["per_label"]] == [1.0, 1.0, 1.0]
    assert low["decisions"]["labels_per_utterance_predicted"] == 3.0
    high = multi_label_report(y_true=true, probabilities=probabilities, labels=LABELS)
    assert [entry["auc"] for entry in low["per_label"]] == [entry["auc"] for entry in high["per_label"]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y_true": np.zeros((0, 3)), "probabilities": np.zeros((0, 3))}, UserError, "nothing to evaluate"),
        ({"y_true": np.zeros((2, 2)), "probabilities": np.zeros((2, 3))}, ValueError, "has the shape"),
        ({"y_true": np.full((2, 3), 0.5), "probabilities": np.zeros((2, 3))}, ValueError, "only 0 and 1"),
        ({"y_true": np.zeros((2, 3)), "probabilities": np.full((2, 3), np.nan)}, ValueError, "from 0 to 1"),
        (
            {"y_true": np.zeros((2, 3)), "probabilities": np.zeros((2, 3)), "groups": {}},
            ValueError,
            "need speakers",
        ),
    ],
)
def test_mistakes_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        multi_label_report(labels=LABELS, **arguments)
