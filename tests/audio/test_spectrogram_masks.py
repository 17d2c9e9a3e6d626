"""What is masked is gone or softer, and everything else is as it was."""

import random

import numpy as np
import pytest

from kser.audio.spectrogram_masks import FrequencyMask, TimeMask

RATE = 16_000
NOISE = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
TIME_S = np.arange(RATE) / RATE


def sine(frequency_hz):
    return np.sin(2 * np.pi * frequency_hz * TIME_S).astype(np.float32)


def level_db(waveform, original):
    return 10 * np.log10(np.mean(np.square(waveform)) / np.mean(np.square(original)))


def band_mask(low_hz, high_hz, **arguments):
    width = high_hz - low_hz
    return FrequencyMask(width, width, low_hz, high_hz, p=1.0, **arguments)


class TestFrequencyMask:
    def test_the_band_is_gone_and_the_rest_is_as_it_was(self):
        inside, outside = sine(1500), sine(500) + sine(3000)
        masked = band_mask(1000, 2000)(inside + outside, RATE)
        middle = slice(1600, -1600)  # a sine that begins at once has all frequencies
        np.testing.assert_allclose(masked[middle], outside[middle], atol=2e-4)
        assert level_db(band_mask(1000, 2000)(inside, RATE)[middle], inside[middle]) < -60

    def test_a_gain_makes_the_band_softer_by_so_much(self):
        tone = sine(1500)
        softer = band_mask(1000, 2000, gain_db=-12.0)(tone, RATE)
        assert level_db(softer[1600:-1600], tone[1600:-1600]) == pytest.approx(-12.0, abs=0.01)

    def test_bands_are_as_wide_and_where_they_should_be(self):
        mask = FrequencyMask(200, 700, 1000, 3000, masks=3, p=1.0)
        for _ in range(50):
            mask(NOISE, RATE)
            assert len(mask.parameters["spans"]) == 3
            for low, high in mask.parameters["spans"]:
                assert 200 <= high - low <= 700
                assert 1000 <= low < high <= 3000

    def test_bands_fit_below_half_the_sampling_rate(self):
        mask = FrequencyMask(min_width_hz=5000, max_width_hz=6000, min_frequency_hz=1000, p=1.0)
        mask(NOISE[:4000], 8000)
        assert mask.parameters["spans"] == [(1000, 4000)]
        with pytest.raises(ValueError, match="not below half the sampling rate"):
            FrequencyMask(min_frequency_hz=4000, p=1.0)(NOISE, 8000)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"min_width_hz": 0},
            {"min_width_hz": 500, "max_width_hz": 400},
            {"min_frequency_hz": -1},
            {"min_frequency_hz": 500, "max_frequency_hz": 500},
            {"masks": 0},
            {"masks": 1.5},
            {"gain_db": 3},
            {"window_s": 0},
        ],
    )
    def test_arguments_without_sense(self, arguments):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            FrequencyMask(**arguments)


class TestTimeMask:
    def test_the_stretch_is_gone_and_the_rest_is_bit_for_bit_as_it_was(self):
        mask = TimeMask(min_width_s=0.1, max_width_s=0.2, p=1.0)
        for _ in range(20):
            masked = mask(NOISE, RATE)
            ((start, stop),) = mask.parameters["spans"]
            assert 0.1 <= stop - start <= 0.2
            assert 0 <= start < stop <= 1
            far = np.abs(TIME_S - (start + stop) / 2) > (stop - start) / 2 + mask.window_s
            deep = np.abs(TIME_S - (start + stop) / 2) < (stop - start) / 2 - mask.window_s
            np.testing.assert_array_equal(masked[far], NOISE[far])
            np.testing.assert_allclose(masked[deep], 0, atol=1e-6)

    def test_a_gain_makes_the_stretch_softer_by_so_much(self):
        mask = TimeMask(0.2, 0.2, gain_db=-20.0, p=1.0)
        masked = mask(NOISE, RATE)
        ((start, stop),) = mask.parameters["spans"]
        deep = np.abs(TIME_S - (start + stop) / 2) < (stop - start) / 2 - mask.window_s
        np.testing.assert_allclose(masked[deep], 0.1 * NOISE[deep], atol=1e-6)

    def test_a_short_utterance_loses_no_more_than_its_share(self):
        mask = TimeMask(min_width_s=0.2, max_width_s=0.5, max_width_share=0.1, p=1.0)
        mask(NOISE, RATE)
        ((start, stop),) = mask.parameters["spans"]
        assert stop - start == pytest.approx(0.1)

    @pytest.mark.parametrize(
        "arguments",
        [{"min_width_s": 0}, {"min_width_s": 0.4}, {"max_width_share": 0}, {"max_width_share": 1.1}],
    )
    def test_arguments_without_sense(self, arguments):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            TimeMask(**arguments)


@pytest.mark.parametrize("mask", [FrequencyMask(p=1.0), TimeMask(p=1.0)], ids=["frequency", "time"])
class TestBoth:
    @pytest.mark.parametrize("samples", [1, 2, 15, 100, 511, 1023, 4001])
    def test_any_length_is_kept(self, mask, samples):
        for given in (NOISE[:samples], np.stack([NOISE[:samples], -NOISE[:samples]])):
            masked = mask(given, RATE)
            assert masked.shape == given.shape
            assert masked.dtype == np.float32
            assert np.isfinite(masked).all()

    def test_draws_follow_from_the_state_of_random(self, mask):
        outcomes = []
        for seed in (1, 1, 2):
            random.seed(seed)
            outcomes.append(mask(NOISE, RATE))
        np.testing.assert_array_equal(outcomes[0], outcomes[1])
        assert not np.array_equal(outcomes[0], outcomes[2])

    def test_it_prints_as_it_was_made(self, mask):
        assert f"window_s={mask.window_s}" in repr(mask)
        assert "gain_db=None" in repr(mask)


@pytest.mark.parametrize("cls", [FrequencyMask, TimeMask])
def test_probability_zero_changes_nothing(cls):
    np.testing.assert_array_equal(cls(p=0.0)(NOISE, RATE), NOISE)
