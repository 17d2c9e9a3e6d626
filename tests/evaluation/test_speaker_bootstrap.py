"""Intervals resample speakers, whole, and say when there are too few."""

import numpy as np
import pytest
from scipy import stats

from kser.evaluation.class_measures import class_outcome
from kser.evaluation.labels import encode
from kser.evaluation.metrics import classification_report
from kser.evaluation.over_speakers import outcome_intervals
from kser.evaluation.regression_measures import regression_outcome
from kser.evaluation.speaker_bootstrap import Resampling

LABELS = ["anger", "joy", "sadness"]


def recordings(n_speakers, each=30, copies=1, seed=0):
    """Speakers who differ in how well they are recognised; `copies` repeats every utterance."""
    rng = np.random.default_rng(seed)
    skill = np.repeat(rng.uniform(0.2, 1.0, n_speakers), each)
    true = rng.choice(LABELS, n_speakers * each)
    pred = np.where(rng.random(len(true)) < skill, true, rng.choice(LABELS, len(true)))
    speakers = np.repeat([f"speaker {i}" for i in range(n_speakers)], each)
    return {
        "y_true": np.tile(true, copies),
        "y_pred": np.tile(pred, copies),
        "labels": LABELS,
        "speakers": np.tile(speakers, copies),
    }


def intervals_of_classes(y_true, y_pred, labels, **options):
    return outcome_intervals(class_outcome(encode(y_true, y_pred, labels)), **options)


def width(interval):
    return interval[1] - interval[0]


def test_more_utterances_of_the_same_speakers_say_nothing_about_others():
    once, often = (intervals_of_classes(**recordings(10, copies=copies)) for copies in (1, 50))
    assert once["uar"] == pytest.approx(often["uar"])


def test_accuracy_of_equal_speakers_is_the_bootstrap_of_their_accuracies():
    kwargs = recordings(20)
    right = (kwargs["y_true"] == kwargs["y_pred"]).reshape(20, 30).mean(axis=1)
    expected = stats.bootstrap((right,), np.mean, n_resamples=4000, rng=np.random.default_rng(5))
    low, high = intervals_of_classes(**kwargs, resampling=Resampling(resamples=4000))["wa"]
    assert low == pytest.approx(expected.confidence_interval.low, abs=0.01)
    assert high == pytest.approx(expected.confidence_interval.high, abs=0.01)


def test_a_higher_level_is_wider_and_a_seed_repeats():
    kwargs = recordings(15)
    narrow, wide = (
        intervals_of_classes(**kwargs, resampling=Resampling(level=level)) for level in (0.8, 0.99)
    )
    assert wide["uar"][0] < narrow["uar"][0] < narrow["uar"][1] < wide["uar"][1]
    assert narrow == intervals_of_classes(**kwargs, resampling=Resampling(level=0.8))
    assert (narrow["level"], narrow["n_speakers"], narrow["resampled"]) == (0.8, 15, "speakers")


@pytest.mark.parametrize(
    ("n_speakers", "says"), [(1, "one speaker"), (2, "2 speakers"), (7, "7 speakers"), (8, None)]
)
def test_too_few_speakers_are_told(n_speakers, says):
    intervals = intervals_of_classes(**recordings(n_speakers), resampling=Resampling(resamples=200))
    if says is None:
        assert "warning" not in intervals
    else:
        assert intervals["warning"].startswith(says)
    assert (intervals["uar"] is None) == (n_speakers == 1)


def test_a_measure_without_spread_has_an_interval_without_width():
    kwargs = recordings(10)
    intervals = intervals_of_classes(
        **kwargs | {"y_pred": kwargs["y_true"]}, resampling=Resampling(resamples=200)
    )
    assert intervals["uar"] == intervals["mcc"] == [1.0, 1.0]


def test_speakers_of_unknown_labels_alone_do_not_count():
    kwargs = recordings(9)
    kwargs["y_true"] = np.where(kwargs["speakers"] == "speaker 0", "contempt", kwargs["y_true"])
    assert intervals_of_classes(**kwargs, resampling=Resampling(resamples=200))["n_speakers"] == 8


def test_many_resamples_of_many_speakers_fit_into_memory_in_parts():
    kwargs = recordings(450, each=2)
    report = classification_report(**kwargs, resampling=Resampling(resamples=10_000))
    assert report["intervals"]["uar"][0] < report["uar"] < report["intervals"]["uar"][1]


def test_speakers_are_checked():
    kwargs = recordings(3)
    with pytest.raises(ValueError, match="speakers has 1 names but there are 90"):
        intervals_of_classes(**kwargs | {"speakers": ["a"]})
    missing = kwargs["speakers"].astype(object)
    missing[4] = None
    with pytest.raises(ValueError, match="no name in row 4"):
        intervals_of_classes(**kwargs | {"speakers": missing})


def test_regression_resamples_speakers_as_well():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(200, 2))
    guess = truth + rng.normal(size=(200, 2)) + np.repeat(rng.normal(size=20), 10)[:, None]
    speakers = np.repeat(np.arange(20), 10)
    once, often = (
        outcome_intervals(
            regression_outcome(
                np.tile(truth, (copies, 1)), np.tile(guess, (copies, 1)), ["arousal", "valence"]
            ),
            np.tile(speakers, copies),
            resampling=Resampling(resamples=500),
        )
        for copies in (1, 9)
    )
    for name in ("ccc", "mse", "pearson", "ccc_arousal", "mse_valence"):
        assert once[name] == pytest.approx(often[name])
        assert width(once[name]) > 0
