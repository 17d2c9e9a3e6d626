"""Where somebody speaks, by the energy of frames."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.audio.voice_activity import FRAME_S, BandPowers, VoiceSettings, voice_spans

RATE = 16000


def powers_of(waveform: np.ndarray, rate: int = RATE) -> np.ndarray:
    bands = BandPowers(rate)
    bands.add(waveform.astype(np.float32))
    return bands.powers


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)


def seconds(spans) -> list[tuple[float, float]]:
    return [(round(start * FRAME_S, 2), round(end * FRAME_S, 2)) for start, end in spans]


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("noise", [0.0, 0.003, 0.03])
def test_tones_in_noise_are_found(rate, noise):
    silence = np.zeros(rate)
    waveform = np.concatenate([silence, tone(0.8, rate), silence, tone(1.5, rate), silence])
    waveform += noise * np.random.default_rng(0).normal(size=len(waveform))
    expected = [(1.0, 1.8), (2.8, 4.3)]
    np.testing.assert_allclose(seconds(voice_spans(powers_of(waveform, rate))), expected, atol=0.06)


def test_the_threshold_follows_the_noise():
    """What is noise in a loud room is voice in a quiet one."""
    rng = np.random.default_rng(0)
    quiet, loud = 0.0005 * rng.normal(size=40 * RATE), 0.02 * rng.normal(size=40 * RATE)
    for room, softly in ((quiet, 0.01), (loud, 0.4)):
        room[20 * RATE : 21 * RATE] += softly * tone(1.0) / 0.3
    spans = seconds(voice_spans(powers_of(np.concatenate([quiet, loud]))))
    assert len(spans) == 3  # where the noise sets in some seconds of it are taken for voice
    np.testing.assert_allclose([spans[0], spans[2]], [(20, 21), (60, 61)], atol=0.06)
    assert spans[1][0] == pytest.approx(40, abs=0.1) and spans[1][1] < 55


@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_noise_silence_and_an_offset_are_no_voice(offset):
    noise = 0.01 * np.random.default_rng(0).normal(size=20 * RATE)
    assert voice_spans(powers_of(offset + noise)) == []
    assert voice_spans(powers_of(np.full(RATE, offset))) == []
    assert voice_spans(powers_of(np.zeros(100))) == []


def test_short_pauses_are_bridged_and_clicks_left_out():
    silence = np.zeros(RATE)
    spoken = np.concatenate([tone(0.5), silence[: RATE // 5], tone(0.5)])
    waveform = np.concatenate([silence, spoken, silence, tone(0.05), silence])
    np.testing.assert_allclose(seconds(voice_spans(powers_of(waveform))), [(1, 2.2)], atol=0.06)
    settings = VoiceSettings(min_speech_s=0.03, min_silence_s=0.1)
    assert len(voice_spans(powers_of(waveform), settings)) == 4 - 1


def test_long_stretches_are_cut_where_they_are_softest():
    softer = np.concatenate([tone(2.0), 0.2 * tone(0.1), tone(1.8)])
    waveform = np.concatenate([np.zeros(RATE), softer, np.zeros(RATE)])
    (whole,) = voice_spans(powers_of(waveform))
    first, second = voice_spans(powers_of(waveform), VoiceSettings(longest_s=3.0))
    assert (first[0], second[1]) == whole and first[1] == second[0]
    assert 3.0 <= first[1] * FRAME_S <= 3.12


@given(
    st.lists(st.tuples(st.floats(-90, 0), st.integers(1, 200)), min_size=1, max_size=20),
    st.floats(0.02, 3.0),
)
def test_spans_are_in_order_and_none_is_too_long(stretches, longest_s):
    powers = np.concatenate([np.full((count, 2), 10 ** (level / 10)) for level, count in stretches])
    spans = voice_spans(powers, VoiceSettings(longest_s=longest_s))
    assert all(0 <= start < end <= len(powers) and end - start <= longest_s / FRAME_S for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(st.lists(st.integers(0, 700), max_size=6))
def test_powers_do_not_depend_on_how_a_waveform_comes(lengths):
    waveform = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    bands = BandPowers(RATE)
    for piece in np.split(waveform, np.cumsum(lengths)):
        bands.add(piece)
    np.testing.assert_allclose(bands.powers, powers_of(waveform), rtol=1e-5)


def test_the_power_of_all_bands_is_that_of_the_waveform():
    waveform = tone(1.0)
    np.testing.assert_allclose(powers_of(waveform).sum(axis=1), np.square(waveform).mean(), rtol=0.02)
