"""Features of voices of which everything is known, by formulas of their own."""

import numpy as np
import pytest

from kser.representations.expert_features.functionals.functionals import GROUPS, functionals
from tests.representations.expert_features.signals import RATE, noise, pulses, sawtooth, seconds

PITCH_HZ = 220.0
HARMONICS = np.arange(1, 32)
POWERS = 1 / HARMONICS**2


@pytest.fixture(scope="module")
def of_sawtooth() -> dict[str, float]:
    return functionals(sawtooth(PITCH_HZ).astype(np.float32))


def test_every_feature_has_a_group_and_there_are_no_others(of_sawtooth):
    assert list(of_sawtooth) == [name for units in GROUPS.values() for name in units]
    assert len(of_sawtooth) == 58


def test_a_steady_voice(of_sawtooth):
    assert of_sawtooth["pitch_mean"] == pytest.approx(36, abs=0.02)  # three octaves above 27.5 Hz
    assert of_sawtooth["pitch_sd"] < 0.05 and of_sawtooth["pitch_range"] < 0.02
    assert abs(of_sawtooth["pitch_trend"]) < 0.02
    assert of_sawtooth["jitter_local"] < 0.1 and of_sawtooth["jitter_rap"] < 0.1
    assert of_sawtooth["shimmer_local"] < 0.1 and of_sawtooth["shimmer_apq3"] < 1
    assert of_sawtooth["hnr_mean"] > 30
    assert of_sawtooth["voiced_share"] > 0.95 and of_sawtooth["voiced_segments_rate"] == pytest.approx(
        1, 0.02
    )


def test_the_spectrum_of_a_steady_voice(of_sawtooth):
    frequencies = PITCH_HZ * HARMONICS
    below, above = (
        POWERS[(low < frequencies) & (frequencies <= high)] for low, high in ((50, 1000), (1000, 5000))
    )
    centroid = POWERS @ frequencies / POWERS.sum()
    spread = np.sqrt(POWERS @ frequencies**2 / POWERS.sum() - centroid**2)
    assert of_sawtooth["alpha_ratio_voiced_mean"] == pytest.approx(
        10 * np.log10(above.sum() / below.sum()), abs=0.3
    )
    # The first harmonic above 2 kHz is the tenth, of a tenth of the first one's amplitude.
    assert of_sawtooth["hammarberg_index_voiced_mean"] == pytest.approx(20, abs=0.5)
    assert of_sawtooth["centroid_voiced_mean"] == pytest.approx(centroid, rel=0.03)
    assert of_sawtooth["spread_voiced_mean"] == pytest.approx(spread, rel=0.03)
    assert of_sawtooth["flux_voiced_mean"] < 0.05


def test_a_rising_voice():
    rise = PITCH_HZ * 2 ** (6 * seconds(1) / 12)
    features = functionals(sawtooth(rise).astype(np.float32))
    assert features["pitch_trend"] == pytest.approx(6, rel=0.02)
    assert features["pitch_rising_slope_mean"] == pytest.approx(6, rel=0.05)
    assert features["pitch_range"] == pytest.approx(0.6 * 6, rel=0.05)
    assert features["pitch_p50"] == pytest.approx(39, abs=0.1)


@pytest.mark.parametrize("share", [0.005, 0.01, 0.02])
def test_jitter_of_periods_that_are_longer_and_shorter_in_turn(share):
    periods = (1 + share * np.resize([1, -1], 150)) / PITCH_HZ
    features = functionals(pulses(periods, np.ones(150)).astype(np.float32))
    assert features["jitter_local"] == pytest.approx(200 * share, rel=0.1)
    assert features["jitter_rap"] == pytest.approx(400 / 3 * share, rel=0.1)
    assert features["shimmer_local"] < 0.2


def test_jitter_of_random_periods():
    periods = (1 + 0.01 * noise(1)[:200]) / PITCH_HZ
    features = functionals(pulses(periods, np.ones(200)).astype(np.float32))
    expected = 100 * np.abs(np.diff(periods[1:])).mean() / periods.mean()
    assert features["jitter_local"] == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_shimmer_of_cycles_that_are_louder_and_softer_in_turn(share):
    amplitudes = 1 + share * np.resize([1, -1], 150)
    features = functionals(pulses(np.full(150, 1 / PITCH_HZ), amplitudes).astype(np.float32))
    assert features["shimmer_local"] == pytest.approx(20 * np.log10((1 + share) / (1 - share)), rel=0.1)
    assert features["shimmer_apq3"] == pytest.approx(400 / 3 * share, rel=0.1)
    assert features["jitter_local"] < 0.5


def test_noise_is_told_from_harmonics(of_sawtooth):
    voice = sawtooth(PITCH_HZ)
    prominences = [of_sawtooth["cpp_mean"]]
    for snr_db in (20, 10):
        noisy = voice + voice.std() * 10 ** (-snr_db / 20) * noise()
        features = functionals(noisy.astype(np.float32))
        assert features["hnr_mean"] == pytest.approx(snr_db, abs=1)
        assert features["pitch_mean"] == pytest.approx(36, abs=0.1)
        prominences.append(features["cpp_mean"])
    assert prominences == sorted(prominences, reverse=True) and prominences[-1] < prominences[0] - 5


def test_level_and_loudness_follow_the_amplitude(of_sawtooth):
    louder = functionals(2 * sawtooth(PITCH_HZ).astype(np.float32))
    assert louder["level"] == pytest.approx(of_sawtooth["level"] + 20 * np.log10(2), abs=1e-4)
    assert louder["loudness_mean"] == pytest.approx(4**0.33 * of_sawtooth["loudness_mean"], rel=1e-4)
    of_sine = functionals((0.5 * np.sin(2 * np.pi * 200 * seconds(1))).astype(np.float32))
    assert of_sine["level"] == pytest.approx(10 * np.log10(0.125), abs=1e-3)
    for name in GROUPS["spectral"]:  # timbre does not
        assert louder[name] == pytest.approx(of_sawtooth[name], abs=1e-3, nan_ok=True)


def test_loudness_that_comes_and_goes():
    swelling = sawtooth(PITCH_HZ, 2) * (0.6 - 0.5 * np.cos(2 * np.pi * 4 * seconds(2)))
    features = functionals(swelling.astype(np.float32))
    assert features["loudness_peaks_rate"] == pytest.approx(4, rel=0.02)
    assert features["loudness_rising_slope_mean"] > 0 > features["loudness_falling_slope_mean"]


def test_voice_with_pauses():
    burst, pause = sawtooth(PITCH_HZ, 0.3), 0.001 * noise(0.2)
    features = functionals(np.concatenate([pause, *[burst, pause] * 3]).astype(np.float32))
    assert features["voiced_segments_rate"] == pytest.approx(3 / 1.7, rel=0.02)
    assert features["voiced_length_mean"] == pytest.approx(0.3, abs=0.06)
    assert features["unvoiced_length_mean"] == pytest.approx(0.2, abs=0.06)
    assert features["voiced_length_sd"] < 0.03


def test_noise_has_no_voice_but_a_spectrum():
    features = functionals((0.1 * noise()).astype(np.float32))
    lacking = {name for name, value in features.items() if np.isnan(value)}
    assert {*GROUPS["pitch"], *GROUPS["voice_quality"]} <= lacking
    assert features["voiced_share"] == 0 and features["voiced_segments_rate"] == 0
    # Of white noise each Hz has as much power as another.
    assert features["alpha_ratio_unvoiced_mean"] == pytest.approx(10 * np.log10(4000 / 950), abs=0.5)
    assert abs(features["slope_0_500_unvoiced_mean"]) < 0.003
    assert abs(features["slope_500_1500_unvoiced_mean"]) < 0.001


@pytest.mark.parametrize("samples", [1, 2, 159, 500, 1025])
def test_very_short_ones_are_measured_as_far_as_can_be(samples):
    features = functionals(sawtooth(PITCH_HZ)[:samples].astype(np.float32) + 0.01)
    assert np.isfinite(features["level"]) and np.isfinite(features["loudness_mean"])


def test_zeros_around_a_voice_have_no_timbre():
    silence = np.zeros(RATE // 2)
    features = functionals(np.concatenate([silence, sawtooth(PITCH_HZ, 0.5), silence]).astype(np.float32))
    assert features["pitch_mean"] == pytest.approx(36, abs=0.1)
    assert features["voiced_share"] == pytest.approx(1 / 3, abs=0.05)
    assert all(np.isfinite(value) for name, value in features.items() if name.endswith("_voiced_mean"))
