"""Groups of speakers are compared with the speaker as the unit."""

from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from kser.evaluation.class_measures import class_outcome
from kser.evaluation.labels import encode
from kser.evaluation.metrics import class_measures
from kser.evaluation.over_speakers import compare_subgroups, outcome_changes
from kser.evaluation.speaker_bootstrap import Resampling

LABELS = ["anger", "joy"]


def corpus(skills, each=20, seed=0):
    """Speakers with a share of right answers each; the first half women."""
    rng = np.random.default_rng(seed)
    n = len(skills)
    true = np.tile(LABELS, n * each // 2)
    right = rng.random(n * each) < np.repeat(skills, each)
    pred = np.where(right, true, np.where(true == "joy", "anger", "joy"))
    speakers = np.repeat(np.arange(n), each)
    groups = np.where(speakers < n // 2, "female", "male")
    return {"y_true": true, "y_pred": pred, "labels": LABELS, "speakers": speakers, "groups": groups}


def subgroups(y_true, y_pred, labels, **options):
    return compare_subgroups(class_outcome(encode(y_true, y_pred, labels)), "uar", **options)


def compare(**kwargs):
    report, tests = subgroups(**{"resampling": Resampling(resamples=300)} | kwargs)
    [comparison] = tests["comparisons"]
    return report, comparison


def test_the_change_between_two_models_is_paired():
    hard = [0.95, 0.9, 0.85, 0.8, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15]
    given = corpus(hard, each=40)
    first = class_outcome(encode(given["y_true"], given["y_pred"], LABELS))
    # The other model is right once more for each speaker: they differ widely, the change does not.
    better = given["y_pred"].copy()
    for speaker in range(len(hard)):
        wrong = np.flatnonzero((given["speakers"] == speaker) & (better != given["y_true"]))
        better[wrong[0]] = given["y_true"][wrong[0]]
    second = class_outcome(encode(given["y_true"], better, LABELS))
    found = outcome_changes(first, second, given["speakers"], Resampling(resamples=500))
    assert found["changes"]["wa"] == pytest.approx(1 / 40)
    assert found["intervals"]["wa"] == pytest.approx([1 / 40, 1 / 40])
    low, high = found["intervals"]["uar"]
    assert low <= found["changes"]["uar"] <= high and high - low < 0.02
    with pytest.raises(ValueError, match="different utterances"):
        outcome_changes(first, class_outcome(encode(["joy"], ["joy"], LABELS)), given["speakers"])


def test_each_group_has_its_own_measures():
    kwargs = corpus([0.9, 0.8, 0.6, 0.4])
    report, comparison = compare(**kwargs)
    for group in ("female", "male"):
        chosen = kwargs["groups"] == group
        expected = class_measures(
            y_true=kwargs["y_true"][chosen], y_pred=kwargs["y_pred"][chosen], labels=LABELS
        )["uar"]
        assert report[group]["uar"] == pytest.approx(expected)
        assert (report[group]["n"], report[group]["n_speakers"]) == (40, 2)
        assert report[group]["intervals"]["resampled"] == "speakers"
    assert comparison["groups"] == ["female", "male"]
    assert comparison["difference"] == pytest.approx(report["female"]["uar"] - report["male"]["uar"])


def test_all_permutations_of_few_speakers_are_gone_through():
    kwargs = corpus([0.95, 0.9, 0.85, 0.3, 0.4, 0.5])
    _, comparison = compare(**kwargs)
    by_speaker = (kwargs["y_true"] == kwargs["y_pred"]).reshape(6, 20).mean(axis=1)  # UAR: classes are even
    differences = [
        by_speaker[list(chosen)].mean() - np.delete(by_speaker, list(chosen)).mean()
        for chosen in combinations(range(6), 3)
    ]
    observed = abs(by_speaker[:3].mean() - by_speaker[3:].mean())
    assert comparison["exact"]
    assert comparison["permutations"] == 20
    assert comparison["p"] == pytest.approx(np.mean(np.abs(differences) >= observed - 1e-9))
    assert comparison["smallest_p"] == pytest.approx(2 / 20)
    assert comparison["warning"].startswith("3 speakers")


def test_one_unusual_speaker_is_no_difference_of_groups_however_many_utterances():
    _, comparison = compare(**corpus([0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1], each=1000))
    assert comparison["p"] > 0.2


def test_a_difference_between_many_speakers_is_found_and_none_is_not():
    different = corpus([0.9] * 12 + [0.6] * 12)
    _, found = compare(**different, resampling=Resampling(resamples=300, permutations=500))
    assert not found["exact"]
    assert found["p"] == pytest.approx(1 / 501)
    assert 0 < found["interval"][0] < found["difference"] < found["interval"][1]
    assert "warning" not in found
    skills = np.tile(np.linspace(0.5, 0.9, 12), 2)
    _, same = compare(**corpus(skills), resampling=Resampling(resamples=300, permutations=500))
    assert same["p"] > 0.1
    assert same["interval"][0] < 0 < same["interval"][1]


def test_p_is_uniform_enough_when_groups_do_not_differ():
    rng = np.random.default_rng(7)
    p_values = [
        compare(
            **corpus(rng.uniform(0.3, 1.0, 16), seed=seed),
            resampling=Resampling(resamples=10, permutations=200),
        )[1]["p"]
        for seed in range(120)
    ]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.12  # 5% expected; 14 of 120 has a chance of 0.3%
    assert np.mean(np.array(p_values) <= 0.5) > 0.35


def test_groups_within_speakers_are_swapped_within_them():
    kwargs = corpus([0.9, 0.5, 0.7, 0.8, 0.6, 0.9, 0.4, 0.7], each=40)
    style = np.where(np.arange(320) % 4 < 2, "read", "acted")
    worse = (style == "acted") & (np.arange(320) % 8 < 4)
    kwargs["y_pred"] = np.where(worse, "joy", kwargs["y_pred"])
    kwargs["y_true"] = np.where(worse, "anger", kwargs["y_true"])
    _, comparison = compare(**kwargs | {"groups": style})
    assert comparison["method"] == "groups swapped within speakers"
    assert comparison["permutations"] == 2**8
    assert comparison["n_speakers"] == [8, 8]
    assert comparison["p"] == comparison["smallest_p"] == pytest.approx(2 / 2**8)
    assert comparison["difference"] < 0
    assert comparison["interval"][1] < 0


def test_a_speaker_of_two_genders_is_told():
    kwargs = corpus([0.9] * 20)
    kwargs["groups"][0] = "male"
    assert "1 of 20 speakers are in both groups" in compare(**kwargs)[1]["warning"]


def test_speakers_of_other_groups_have_no_part_in_a_comparison():
    two = corpus([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.6, 0.7])
    names = two["speakers"]
    three = two | {"groups": np.where(names < 4, "a", np.where(names < 8, "b", "c"))}
    first = names < 8
    alone = {name: values if name == "labels" else values[first] for name, values in three.items()}
    _, tests = subgroups(**three, resampling=Resampling(resamples=100))
    _, reference = compare(**alone, resampling=Resampling(resamples=100))
    assert [entry["groups"] for entry in tests["comparisons"]] == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert tests["comparisons"][0] | {"p_holm": 0} == reference | {"p_holm": 0}
    p_values = [entry["p"] for entry in tests["comparisons"]]
    corrected = multipletests(p_values, method="holm")[1]
    assert [entry["p_holm"] for entry in tests["comparisons"]] == pytest.approx(corrected)


def test_only_classes_of_both_groups_are_compared():
    kwargs = {
        "y_true": ["anger", "joy", "anger", "fear", "fear"],
        "y_pred": ["anger", "anger", "anger", "joy", "joy"],
        "labels": ["anger", "fear", "joy"],
        "speakers": ["1", "1", "2", "2", "2"],
        "groups": ["female", "female", "male", "male", "male"],
    }
    report, comparison = compare(**kwargs)
    assert report["female"]["labels_without_samples"] == ["fear"]
    assert report["male"]["labels_without_samples"] == ["joy"]
    assert comparison["labels"] == ["anger"]
    assert comparison["difference"] == 0.0
    assert comparison["interval"] is None
    nothing_shared = kwargs | {"y_true": ["joy", "joy", "anger", "anger", "anger"]}
    assert compare(**nothing_shared)[1]["p"] is None


def test_utterances_without_a_group_are_counted():
    kwargs = corpus([0.9, 0.8, 0.7, 0.6])
    groups = kwargs["groups"].astype(object)
    groups[:3] = None
    groups[3] = " "
    report, tests = subgroups(**kwargs | {"groups": groups}, resampling=Resampling(resamples=100))
    assert tests["n_without_group"] == 4
    assert report["female"]["n"] == 36


def test_nothing_is_compared_with_one_group_or_very_many():
    kwargs = corpus([0.9, 0.8, 0.7, 0.6])
    _, one = subgroups(**kwargs | {"groups": ["x"] * 80}, resampling=Resampling(resamples=100))
    assert one["comparisons"] == []
    assert "nothing to compare" in one["note"]
    report, many = subgroups(**kwargs | {"groups": np.arange(80) % 11}, resampling=Resampling(resamples=100))
    assert len(report) == 11
    assert many["comparisons"] == []
    assert "11 groups" in many["note"]


def test_groups_must_fit():
    with pytest.raises(ValueError, match="groups has 1 values but there are 80"):
        subgroups(**corpus([0.9, 0.8, 0.7, 0.6]) | {"groups": ["x"]})
