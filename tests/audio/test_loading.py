"""The one loader: what comes out is mono, at the wanted rate, finite, or a line that names the file."""

import struct
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.audio.decoding import stored_as
from kser.audio.loading import load_audio
from kser.errors import UserError

LOAD = partial(load_audio, sampling_rate=16_000)
READERS = [LOAD, stored_as]
"""What sees a mistake: decoding, and a look at the header."""


def tone(frequency_hz: float, samples: int, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / rate)).astype(np.float32)


def written(path: Path, waveform: np.ndarray, rate: int = 16_000, subtype: str | None = "FLOAT") -> Path:
    sf.write(path, waveform, rate, subtype=subtype)
    return path


def test_equal_rates_leave_the_samples_as_they_are(tmp_path: Path) -> None:
    waveform = np.random.default_rng(0).uniform(-1, 1, 4000).astype(np.float32)
    loaded = load_audio(written(tmp_path / "a.wav", waveform), 16_000)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, waveform)


def test_full_scale_of_integer_samples_is_one(tmp_path: Path) -> None:
    samples = np.array([0, 16384, -32768], dtype=np.int16)
    loaded = load_audio(written(tmp_path / "a.wav", samples, subtype="PCM_16"), 16_000)
    np.testing.assert_array_equal(loaded, np.array([0, 0.5, -1], dtype=np.float32))


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(200, 1000, 16_000), tone(300, 1000, 16_000)
    loaded = load_audio(written(tmp_path / "a.wav", np.stack([left, right], axis=1)), 16_000)
    assert loaded.shape == (1000,)
    np.testing.assert_allclose(loaded, (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_a_tone(tmp_path: Path, rate: int) -> None:
    loaded = load_audio(written(tmp_path / "a.wav", tone(1000, rate, rate), rate), 16_000)
    middle = slice(2000, 14_000)  # the ends are shaped by the silence beyond them
    np.testing.assert_allclose(loaded[middle], tone(1000, 16_000, 16_000)[middle], atol=1e-3)


def test_resampling_lets_nothing_fold_back(tmp_path: Path) -> None:
    loaded = load_audio(written(tmp_path / "a.wav", tone(11_000, 48_000, 48_000), 48_000), 16_000)
    assert np.abs(loaded[2000:14_000]).max() < 1e-4


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_length_is_rounded_halves_up(tmp_path: Path, rate: int) -> None:
    rng = np.random.default_rng(rate)
    for samples in [*range(6, 40), *rng.integers(40, 100_000, 12)]:
        path = written(tmp_path / "a.wav", np.zeros(samples, np.float32), rate)
        assert len(load_audio(path, 16_000)) == (2 * samples * 16_000 + rate) // (2 * rate)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff"])
def test_other_formats(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"a.{suffix}", tone(440, 44_100, 44_100), 44_100, subtype=None)
    assert len(load_audio(path, 16_000)) == 16_000


def test_names_with_spaces_and_accents(tmp_path: Path) -> None:
    path = written(tmp_path / "è un file.wav", tone(440, 800, 16_000))
    assert load_audio(str(path), 16_000).shape == (800,)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.wav", None, "audio file not found"),
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"not audio at all", "cannot be read as audio"),
        ("headerless.raw", b"\0" * 64, "cannot be read as audio"),
    ],
)
def test_no_audio(tmp_path: Path, read, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert_refused(read, tmp_path / name, says)


@pytest.mark.parametrize("read", READERS)
def test_folder_is_no_audio(tmp_path: Path, read) -> None:
    assert_refused(read, tmp_path, "is a folder")


@pytest.mark.parametrize("read", READERS)
def test_no_samples(tmp_path: Path, read) -> None:
    assert_refused(read, written(tmp_path / "a.wav", np.zeros(0, np.float32)), "has no samples")


def test_less_than_one_sample_at_the_wanted_rate(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", np.zeros(1, np.float32), 48_000)
    assert_refused(LOAD, path, "too short: 1 samples at 48000 Hz")


@pytest.mark.parametrize("read", READERS)
def test_wav_cut_short_is_seen_in_the_header(tmp_path: Path, read) -> None:
    path = written(tmp_path / "a.wav", tone(440, 16_000, 16_000), subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:10_044])
    assert_refused(read, path, "cut short: 10000 of the 32000 bytes")


@pytest.mark.parametrize("suffix", ["flac", "mp3"])
def test_compressed_file_cut_short(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 64_000)
    path = written(tmp_path / f"a.{suffix}", noise, subtype=None)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert_refused(LOAD, path, "")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 32_000 + 44])
def test_wav_from_a_pipe_or_with_its_header_counted_is_whole(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "a.wav", tone(440, 16_000, 16_000), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", size)
    path.write_bytes(content)
    assert len(load_audio(path, 16_000)) == 16_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_samples_that_are_not_finite(tmp_path: Path, value: float, rate: int) -> None:
    waveform = np.zeros((100, 2), np.float32)
    waveform[50] = value
    assert_refused(LOAD, written(tmp_path / "a.wav", waveform, rate), "NaN or infinite")


def assert_refused(read, path: Path, says: str) -> None:
    with pytest.raises(UserError) as refusal:
        read(path)
    line = str(refusal.value)
    assert line.startswith(f"{path}: ")
    assert says in line
    assert "\n" not in line


@settings(deadline=None, max_examples=60)
@given(samples=st.integers(1, 5000), rate=st.integers(4000, 96_000), wanted=st.integers(4000, 48_000))
def test_resampling_keeps_the_duration(samples: int, rate: int, wanted: int) -> None:
    waveform = tone(440, samples, rate)
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder, "a.wav"), waveform, rate)
        try:
            loaded = load_audio(path, wanted)
        except UserError as error:
            assert "too short" in str(error)
            assert samples / rate < 1 / wanted
            return
        assert abs(len(loaded) - samples * wanted / rate) <= 1
        if rate == wanted:
            np.testing.assert_array_equal(loaded, waveform)


@settings(deadline=None, max_examples=30)
@given(
    samples=st.integers(1, 3000),
    rate=st.integers(4000, 96_000),
    channels=st.integers(1, 3),
    seed=st.integers(0),
)
def test_equal_rates_change_no_bit(samples: int, rate: int, channels: int, seed: int) -> None:
    waveform = np.random.default_rng(seed).normal(size=(samples, channels)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_audio(written(Path(folder, "a.wav"), waveform, rate), rate)
    expected = waveform[:, 0] if channels == 1 else waveform.mean(axis=1, dtype=np.float32)
    np.testing.assert_array_equal(loaded, expected)
