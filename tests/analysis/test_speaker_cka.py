"""CKA between speakers against its definition, and where debiased CKA is wrong for few speakers."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.analysis.cka import hsic, linear_cka, linear_sums
from kser.analysis.speaker_cka import hsic_between_speakers, speaker_cka
from kser.analysis.uncertainty import speaker_band
from kser.errors import UserError
from tests.analysis.made_up import random_vectors, related_pair, rotation

CODES = np.array([0, 0, 1, 2, 2, 2, 3, 4, 4, 5])


def mean_over_speakers(first, second, codes):
    """E K₁₂L₁₂ + E K₁₂L₃₄ − 2 E K₁₂L₁₃ over four different speakers, and a random utterance of each."""
    rows = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    terms = [
        np.mean(first[np.ix_(rows[a], rows[b])] * second[np.ix_(rows[a], rows[b])])
        + np.mean(first[np.ix_(rows[a], rows[b])]) * np.mean(second[np.ix_(rows[c], rows[d])])
        - 2
        * np.mean(
            first[np.ix_(rows[a], rows[b])].mean(axis=1) * second[np.ix_(rows[a], rows[c])].mean(axis=1)
        )
        for a, b, c, d in permutations(range(len(rows)), 4)
    ]
    return np.mean(terms)


def corpora_of_unrelated_voices(n, speakers=10, each=20, channels=30):
    codes = np.repeat(np.arange(speakers), each)
    for seed in range(n):
        voices, sounds = (
            random_vectors(speakers, 2 * channels, seed),
            random_vectors(len(codes), 2 * channels, seed + n),
        )
        yield *np.hsplit(voices[codes] + sounds, 2), codes


@pytest.mark.parametrize("channels", [3, 40])
def test_it_is_the_mean_over_different_speakers(channels):
    first, second = related_pair(10)
    first = first @ random_vectors(6, channels)
    expected = mean_over_speakers(first @ first.T, second @ second.T, CODES)
    assert hsic_between_speakers([first, second], CODES)[0][0, 1] == pytest.approx(expected)


def test_of_one_utterance_a_speaker_it_is_debiased_cka():
    pair = related_pair(12)
    assert hsic_between_speakers(pair, np.arange(12))[0] == pytest.approx(hsic(linear_sums(pair)))
    assert speaker_cka(*pair, [f"speaker {i}" for i in range(12)]) == pytest.approx(linear_cka(*pair))


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_rotation_shift_scale_and_order_change_nothing(seed, scale):
    first, second = related_pair(60, seed)
    speakers = np.random.default_rng(seed).integers(0, 9, 60)
    moved = scale * (first @ rotation(6, seed)) + random_vectors(1, 6, seed)
    expected = speaker_cka(first, second, speakers)
    assert speaker_cka(moved, second, speakers) == pytest.approx(expected, abs=1e-6)
    assert speaker_cka(first, moved, speakers) == pytest.approx(1.0)
    order = np.random.default_rng(seed).permutation(60)
    assert speaker_cka(first[order], second[order], speakers[order]) == pytest.approx(expected)


def test_voices_that_are_held_in_unrelated_ways_are_nothing_in_common():
    found = np.array(
        [(linear_cka(*pair), speaker_cka(*pair, codes)) for *pair, codes in corpora_of_unrelated_voices(40)]
    )
    assert found[:, 0].min() > 0.1
    assert found[:, 1].mean() == pytest.approx(0, abs=4 * found[:, 1].std() / np.sqrt(len(found)))


def test_the_band_of_unrelated_representations_contains_zero():
    covered = 0
    for first, second, codes in corpora_of_unrelated_voices(60, speakers=8, each=6, channels=8):

        def statistic(rows, first=first, second=second, codes=codes):
            return speaker_cka(first[rows], second[rows], codes[rows])

        band = speaker_band(statistic, codes)
        covered += band.low <= 0 <= band.high
    assert covered >= 54


def test_half_precision_is_computed_in_float64():
    first, second = (vectors.astype(np.float16) for vectors in related_pair(80))
    speakers = np.arange(80) % 7
    expected = speaker_cka(first.astype(np.float64), second.astype(np.float64), speakers)
    assert speaker_cka(first, second, speakers) == pytest.approx(expected, abs=1e-12)


def test_speakers_are_needed():
    pair = related_pair(20)
    with pytest.raises(UserError, match="speakers: 3 are too few, at least 4 are needed"):
        speaker_cka(*pair, np.arange(20) % 3)
    with pytest.raises(ValueError, match="speakers has 19 values but there are 20 utterances"):
        speaker_cka(*pair, np.arange(19))
