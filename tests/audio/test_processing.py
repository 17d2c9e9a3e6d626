"""Trimming as librosa does it, loudness as pyloudnorm measures it."""

import pickle
import subprocess
import sys

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.audio.processing import AudioProcessing, integrated_loudness, sound_between

RATE = 16_000


def noise(
    duration_s: float, amplitude: float = 0.1, rate: int = RATE, channels: int | None = None
) -> np.ndarray:
    size = round(duration_s * rate) if channels is None else (round(duration_s * rate), channels)
    return np.random.default_rng(7).normal(0, amplitude, size).astype(np.float32)


class TestTrimming:
    @settings(deadline=None, max_examples=40)
    @given(
        lead_s=st.floats(0, 1), tail_s=st.floats(0, 1), floor_db=st.floats(-90, 0), trim_db=st.floats(1, 70)
    )
    def test_is_what_librosa_does(self, lead_s, tail_s, floor_db, trim_db):
        import librosa

        floor = 0.1 * 10 ** (floor_db / 20)
        waveform = np.concatenate([noise(lead_s, floor), noise(0.7), noise(tail_s, floor)])
        _, expected = librosa.effects.trim(waveform, top_db=trim_db)
        assert sound_between(waveform, RATE, trim_db) == tuple(expected)

    def test_frames_last_as_long_at_every_rate(self):
        for rate in (8_000, 16_000, 48_000):
            waveform = np.concatenate([np.zeros(rate), noise(1, rate=rate), np.zeros(rate)])
            start, end = sound_between(waveform, rate, 40)
            assert start / rate == pytest.approx(0.96, abs=0.001)
            assert end / rate == pytest.approx(2.08, abs=0.001)

    def test_the_loudest_channel_counts(self):
        left = np.concatenate([noise(1, 1e-4), noise(1)])
        right = np.concatenate([noise(1), noise(1, 1e-4)])
        both = np.stack([left, right], axis=1)
        assert sound_between(both, RATE, 40) == (0, 2 * RATE)
        assert sound_between(left, RATE, 40)[0] > 0.8 * RATE

    def test_silence_stays_whole(self):
        waveform = np.zeros(5000, np.float32)
        np.testing.assert_array_equal(AudioProcessing(trim_db=30)(waveform, RATE), waveform)

    def test_soft_recordings_are_trimmed_as_loud_ones(self):
        waveform = np.concatenate([np.zeros(RATE), noise(1), np.zeros(RATE)])
        assert sound_between(1e-6 * waveform, RATE, 60) == sound_between(waveform, RATE, 60)

    @given(samples=st.integers(1, 9000), at=st.floats(0, 1), trim_db=st.floats(0.01, 100))
    def test_a_click_keeps_a_frame(self, samples, at, trim_db):
        waveform = np.zeros(samples, np.float32)
        click = min(int(at * samples), samples - 1)
        waveform[click] = 1
        start, end = sound_between(waveform, RATE, trim_db)
        assert end - start >= min(samples, 2048)
        assert start <= click < end

    def test_what_stays_is_not_changed(self):
        waveform = np.concatenate([np.zeros(RATE, np.float32), noise(1)])
        start, end = sound_between(waveform, RATE, 40)
        np.testing.assert_array_equal(AudioProcessing(trim_db=40)(waveform, RATE), waveform[start:end])


class TestLoudness:
    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
    @pytest.mark.parametrize("channels", [None, 1, 2, 5])
    def test_is_what_pyloudnorm_measures(self, rate, channels):
        waveform = noise(2.34, rate=rate, channels=channels).astype(np.float64)
        waveform[rate // 2 : rate] *= 1e-5  # below the absolute gate
        waveform[rate : 2 * rate] *= 0.1  # below the relative one, in part
        expected = pyloudnorm.Meter(rate).integrated_loudness(waveform)
        assert integrated_loudness(waveform, rate) == pytest.approx(expected, abs=1e-9)

    def test_reference_of_the_standard(self):
        """ITU-R BS.1770-4: a sine of 997 Hz at full scale in one front channel is −3.01 LKFS."""
        sine = np.sin(2 * np.pi * 997 * np.arange(5 * 48_000) / 48_000)
        assert integrated_loudness(sine, 48_000) == pytest.approx(-3.01, abs=0.05)

    def test_low_frequency_channel_does_not_count(self):
        five = noise(1, channels=5)
        six = np.insert(five, 3, 1.0, axis=1)
        assert integrated_loudness(six, RATE) == integrated_loudness(five, RATE)

    def test_seven_channels_have_no_loudness(self):
        with pytest.raises(ValueError, match="up to 6 channels"):
            integrated_loudness(noise(1, channels=7), RATE)

    @pytest.mark.parametrize("lufs", [-70.0, -23.0, 0.0])
    @pytest.mark.parametrize("duration_s", [0.02, 0.399, 0.4, 3])
    def test_target_is_reached_at_every_length(self, lufs, duration_s):
        processed = AudioProcessing(loudness_lufs=lufs)(noise(duration_s), RATE)
        assert processed.dtype == np.float32
        # At −70 LUFS rounding decides what the absolute gate lets pass; the gain is the same at any level.
        assert integrated_loudness(processed * 10, RATE) == pytest.approx(lufs + 20, abs=0.02)

    def test_length_does_not_change_the_gain_of_a_short_sound(self):
        steady = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
        processing = AudioProcessing(loudness_lufs=-23)
        short, long = (processing(steady[: int(duration_s * RATE)], RATE) for duration_s in (0.1, 1.0))
        assert np.abs(short).max() == pytest.approx(np.abs(long).max(), rel=0.05)

    @pytest.mark.parametrize("waveform", [np.zeros(RATE), np.zeros(10), noise(1, 1e-6)])
    def test_silence_and_what_is_gated_stay(self, waveform):
        processed = AudioProcessing(loudness_lufs=-23)(waveform, RATE)
        np.testing.assert_array_equal(processed, waveform.astype(np.float32))

    def test_is_not_clipped(self):
        waveform = np.zeros(RATE, np.float32)
        waveform[::4000] = 0.9
        assert np.abs(AudioProcessing(loudness_lufs=0)(waveform, RATE)).max() > 1


class TestAudioProcessing:
    def test_trims_first(self):
        waveform = np.concatenate([noise(1, 0.01), noise(1, 0.5)])
        both = AudioProcessing(loudness_lufs=-23, trim_db=20)(waveform, RATE)
        trimmed = AudioProcessing(trim_db=20)(waveform, RATE)
        np.testing.assert_array_equal(both, AudioProcessing(loudness_lufs=-23)(trimmed, RATE))

    def test_nothing_to_do(self):
        waveform = noise(0.1)
        np.testing.assert_array_equal(AudioProcessing()(waveform, RATE), waveform)

    @pytest.mark.parametrize(
        "arguments",
        [
            *({"loudness_lufs": value} for value in (-70.1, 0.1, float("nan"), float("-inf"))),
            *({"trim_db": value} for value in (0, -3, float("nan"), float("inf"))),
        ],
    )
    def test_ranges(self, arguments):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
            AudioProcessing(**arguments)

    def test_travels_to_workers_and_names_caches(self):
        processing = AudioProcessing(-23.0, 40.0)
        assert pickle.loads(pickle.dumps(processing)) == processing
        assert len({processing, AudioProcessing(-23.0, 40.0), AudioProcessing(-23.0)}) == 2

    def test_chosen_are_the_steps_that_are_taken(self):
        assert AudioProcessing().chosen() == {}
        assert AudioProcessing(trim_db=40.0).chosen() == {"trim_db": 40.0}

    def test_caches_of_before_stay_valid(self):
        """What came later stands in keys only where it is chosen."""
        assert repr(AudioProcessing()) == "AudioProcessing(loudness_lufs=None, trim_db=None)"
        assert repr(AudioProcessing(-23.0, max_seconds=9.0)) == (
            "AudioProcessing(loudness_lufs=-23.0, trim_db=None, max_seconds=9.0)"
        )
        assert AudioProcessing(-23.0, 40.0).sound_settings == (40.0, -23.0)
        skipping = AudioProcessing(min_seconds=1.0, max_seconds=9.0, too_long="skip")
        assert skipping.sound_settings == AudioProcessing().sound_settings
        assert AudioProcessing(max_seconds=9.0).sound_settings != AudioProcessing().sound_settings

    def test_cropping_comes_after_trimming_and_before_the_loudness(self):
        waveform = np.concatenate([np.zeros(RATE), noise(2.0), np.zeros(RATE)]).astype(np.float32)
        both = AudioProcessing(loudness_lufs=-23, trim_db=40, max_seconds=1.0)(waveform, RATE)
        cropped = AudioProcessing(trim_db=40)(waveform, RATE)[:RATE]
        np.testing.assert_array_equal(both, AudioProcessing(loudness_lufs=-23)(cropped, RATE))

    @pytest.mark.parametrize("too_long", ["split", "skip"])
    def test_others_than_crop_leave_the_waveform(self, too_long):
        waveform = noise(2.0)
        processed = AudioProcessing(max_seconds=1.0, too_long=too_long)(waveform, RATE)
        np.testing.assert_array_equal(processed, waveform)

    @pytest.mark.parametrize(("seconds", "parts"), [(0.5, 1), (1.0, 1), (1.001, 2), (2.0, 2), (3.5, 4)])
    def test_parts_are_no_longer_than_allowed(self, seconds, parts):
        assert AudioProcessing(max_seconds=1.0, too_long="split").parts(seconds) == parts
        assert AudioProcessing(max_seconds=1.0).parts(seconds) == 1

    def test_lengths_that_contradict_each_other(self):
        for arguments, says in (
            ({"min_seconds": 0}, "`min_seconds` must be above 0"),
            ({"max_seconds": -1}, "`max_seconds` must be above 0"),
            ({"min_seconds": 2, "max_seconds": 1}, "`max_seconds` must not be below"),
            ({"too_long": "skip"}, "`too_long` requires `max_seconds`"),
            ({"max_seconds": 1, "too_long": "drop"}, "`too_long` must be one of crop, split, skip"),
        ):
            with pytest.raises(ValueError, match=says):
                AudioProcessing(**arguments)

    def test_import_is_light(self):
        program = "import sys, kser.audio.processing; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        assert not {"scipy", "pyloudnorm", "librosa", "keras"} & set(loaded.stdout.split())
