"""Chance levels, intervals for other speakers, and bands over seeds."""

import numpy as np
import pytest
from scipy import stats

from kser.analysis.cka import linear_cka
from kser.analysis.speaker_cka import speaker_cka
from kser.analysis.uncertainty import permutation_test, seed_band, speaker_band
from kser.errors import UserError
from tests.analysis.made_up import random_vectors, related_pair


def cka_of(first, second):
    return lambda order: linear_cka(first, second[order])


def test_a_relation_is_found_and_a_seed_repeats():
    statistic = cka_of(*related_pair(60))
    test = permutation_test(statistic, 60, permutations=99)
    assert test.p == pytest.approx(1 / 100)
    assert test.observed > test.null.max()
    again = permutation_test(statistic, 60, permutations=99)
    assert np.array_equal(test.null, again.null)
    assert not np.array_equal(test.null, permutation_test(statistic, 60, permutations=99, seed=1).null)


def test_p_is_uniform_enough_without_a_relation():
    p_values = [
        permutation_test(
            cka_of(random_vectors(20, 3, 2 * seed), random_vectors(20, 3, 2 * seed + 1)), 20, permutations=19
        ).p
        for seed in range(100)
    ]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.13  # 5% expected; 14 of 100 has a chance of 0.05%
    assert stats.kstest(p_values, "uniform").statistic < 0.25


def test_utterances_stay_within_their_groups():
    within = np.array(["b", "a", "b", "a", "a", "c"])
    seen = set()

    def statistic(order):
        assert sorted(order) == list(range(6))
        assert np.array_equal(within[order], within)
        seen.add(tuple(order))
        return 0.0

    test = permutation_test(statistic, 6, within=within, permutations=200)
    assert len(seen) == 12  # 2 orders of b × 6 of a × 1 of c
    assert test.p == 1.0


def test_what_is_shared_only_through_the_speaker_is_no_relation_within_speakers():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(10), 8)
    voices = rng.normal(size=(10, 4))[speakers]
    first, second = (voices + 0.3 * rng.normal(size=(80, 4)) for _ in range(2))
    anything = permutation_test(cka_of(first, second), 80, permutations=199)
    beyond = permutation_test(cka_of(first, second), 80, within=speakers, permutations=199)
    assert anything.p == pytest.approx(1 / 200)
    assert beyond.p > 0.05


def test_the_band_of_a_mean_over_equal_speakers_is_student_s():
    values = np.random.default_rng(0).normal(size=12)
    speakers = np.repeat([f"speaker {i}" for i in range(12)], 3)
    band = speaker_band(lambda rows: np.repeat(values, 3)[rows].mean(), speakers, level=0.9)
    expected = stats.t.interval(0.9, 11, values.mean(), stats.sem(values))
    assert (band.low, band.high) == pytest.approx(expected)
    assert band.estimate == pytest.approx(values.mean())


def test_bands_of_several_measures_at_once():
    values = np.random.default_rng(0).normal(size=(20, 3))
    speakers = np.arange(20) % 5
    band = speaker_band(lambda rows: values[rows].mean(axis=0), speakers)
    alone = speaker_band(lambda rows: values[rows, 1].mean(), speakers)
    assert band.low.shape == (3,)
    assert (band.low[1], band.high[1]) == pytest.approx((alone.low, alone.high))


def test_the_correction_takes_away_a_bias_of_the_number_of_speakers():
    values = np.random.default_rng(2).normal(size=10)
    band = speaker_band(lambda rows: values[rows].var(), np.arange(10))
    assert (band.low + band.high) / 2 == pytest.approx(values.var(ddof=1))


def test_the_band_of_cka_contains_what_many_speakers_give():
    voices, sounds = np.random.default_rng(0).normal(size=(2, 2, 6, 12))
    voices[1] = voices[0]

    def corpus(n_speakers, seed):
        rng = np.random.default_rng(seed)
        voice = np.repeat(rng.normal(size=(n_speakers, 6)), 10, axis=0)
        sound = rng.normal(size=(n_speakers * 10, 6))
        noise = rng.normal(size=(2, n_speakers * 10, 12))
        return [voice @ voices[i] + sound @ sounds[i] + noise[i] for i in range(2)]

    truth = np.mean([linear_cka(*corpus(500, 1000 + seed)) for seed in range(10)])
    speakers = np.arange(120) // 10
    covered = 0
    for seed in range(60):
        first, second = corpus(12, seed)

        def statistic(rows, first=first, second=second):
            return speaker_cka(first[rows], second[rows], speakers[rows])

        band = speaker_band(statistic, speakers)
        covered += band.low <= truth <= band.high
    assert covered >= 52


def test_bands_over_seeds():
    maps = np.random.default_rng(0).normal(size=(5, 3, 2))
    band = seed_band(maps, level=0.9)
    low, high = stats.t.interval(0.9, 4, maps.mean(axis=0), stats.sem(maps, axis=0))
    assert band.estimate == pytest.approx(maps.mean(axis=0))
    assert band.low == pytest.approx(low)
    assert band.high == pytest.approx(high)
    single = seed_band(maps[:1])
    assert single.estimate == pytest.approx(maps[0])
    assert np.isnan([single.low, single.high]).all()


def test_what_is_too_little():
    with pytest.raises(UserError, match="speakers: 2 are too few for an interval, at least 3"):
        speaker_band(np.mean, ["a", "b", "a"])
    with pytest.raises(UserError, match="speakers: no value in row 1"):
        speaker_band(np.mean, ["a", None, "b"])
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        speaker_band(np.mean, ["a", "b", "c"], level=95)
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        seed_band([1.0, 2.0], level=95)
    with pytest.raises(ValueError, match=r"values has the shape \(0,\)"):
        seed_band([])
    with pytest.raises(UserError, match="every utterance is a group of its own"):
        permutation_test(np.mean, 3, within=["a", "b", "c"])
    with pytest.raises(ValueError, match="within has 2 values but there are 3 utterances"):
        permutation_test(np.mean, 3, within=["a", "b"])
    with pytest.raises(ValueError, match="permutations must be at least 1, got 0"):
        permutation_test(np.mean, 3, permutations=0)
