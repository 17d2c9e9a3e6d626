"""Cached audio is what decoding gives, to the bit, for as long as the file and the settings are the same."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio.processing import AudioProcessing
from kser.errors import UserError
from kser.pipeline.audio_cache import SUFFIX, AudioCache
from kser.pipeline.reading import WaveformReader
from kser.pipeline.waveform_format import WaveformFormat

RATE = 16_000


def format_of(sampling_rate: int = RATE, **processing: float) -> WaveformFormat:
    return WaveformFormat(sampling_rate, True, True, 100, AudioProcessing(**processing))


def write_noise(path: Path, seconds: float = 1.0, seed: int = 0) -> str:
    noise = np.random.default_rng(seed).uniform(-0.3, 0.3, int(seconds * RATE))
    sf.write(path, noise, RATE)
    return str(path)


def entries(cache: AudioCache) -> list[Path]:
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("waveform_format", [format_of(), format_of(8000), format_of(loudness_lufs=-23.0)])
def test_what_is_cached_is_what_decoding_gives(tmp_path: Path, waveform_format: WaveformFormat) -> None:
    path = write_noise(tmp_path / "a.wav")
    cache = AudioCache(tmp_path / "cache")
    decoded = WaveformReader(waveform_format)(path)
    reader = WaveformReader(waveform_format, cache)
    for _ in range(2):
        read = reader(path)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, decoded)
    assert cache.length(path, waveform_format) == len(decoded)
    assert len(entries(cache)) == 1


def test_a_hit_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_noise(tmp_path / "a.wav")
    reader = WaveformReader(format_of(), AudioCache(tmp_path / "cache"))
    reader(path)

    def refuse(*_: object) -> np.ndarray:
        raise AssertionError("decoded again")

    monkeypatch.setattr("kser.pipeline.reading.load_audio", refuse)
    assert len(reader(path)) == RATE


def test_every_setting_and_every_file_has_its_own_entry(tmp_path: Path) -> None:
    cache = AudioCache(tmp_path / "cache")
    paths = [write_noise(tmp_path / f"{seed}.wav", seed=seed) for seed in range(2)]
    formats = [format_of(), format_of(8000), format_of(loudness_lufs=-23.0), format_of(trim_db=30.0)]
    for path in paths:
        for waveform_format in formats:
            WaveformReader(waveform_format, cache)(path)
    assert len(entries(cache)) == len(paths) * len(formats)


def test_the_same_recording_under_another_name_shares_the_entry(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.wav")
    copy = tmp_path / "elsewhere.wav"
    copy.write_bytes(Path(path).read_bytes())
    reader = WaveformReader(format_of(), AudioCache(tmp_path / "cache"))
    np.testing.assert_array_equal(reader(path), reader(str(copy)))
    assert len(entries(AudioCache(tmp_path / "cache"))) == 1


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.wav", seed=0)
    reader = WaveformReader(format_of(), AudioCache(tmp_path / "cache"))
    before = reader(path)
    write_noise(tmp_path / "a.wav", seed=1)  # same name, same size
    assert not np.array_equal(reader(path), before)


def test_a_damaged_entry_is_made_anew(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.wav")
    cache = AudioCache(tmp_path / "cache")
    reader = WaveformReader(format_of(), cache)
    whole = reader(path)
    (entry,) = entries(cache)
    for damage in (b"", b"no waveform", bytes(12), entry.read_bytes()[:1000]):
        entry.write_bytes(damage)
        np.testing.assert_array_equal(reader(path), whole)
    assert cache.length(path, format_of()) == len(whole)


def test_a_file_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no audio")
    cache = AudioCache(tmp_path / "cache")
    for name in ("bad.wav", "missing.wav"):
        with pytest.raises(UserError, match=name):
            WaveformReader(format_of(), cache)(str(tmp_path / name))
    assert not cache.folder.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.wav")
    (tmp_path / "cache").write_text("a file stands here")
    with pytest.raises(UserError, match=r"audio_cache: .*cannot be written"):
        WaveformReader(format_of(), AudioCache(tmp_path / "cache"))(path)


def fill(cache_folder: str, paths: list[str], answers: "multiprocessing.Queue[str]") -> None:
    reader = WaveformReader(format_of(), AudioCache(Path(cache_folder)))
    answers.put(repr([float(np.abs(reader(path)).sum()) for path in paths]))


def test_several_processes_fill_it_at_once(tmp_path: Path) -> None:
    paths = [write_noise(tmp_path / f"{i}.wav", 0.5, i) for i in range(20)]
    expected = repr([float(np.abs(WaveformReader(format_of())(path)).sum()) for path in paths])
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    fillers = [context.Process(target=fill, args=(str(tmp_path / "cache"), paths, answers)) for _ in range(3)]
    for filler in fillers:
        filler.start()
    assert {answers.get(timeout=60) for _ in fillers} == {expected}
    for filler in fillers:
        filler.join()
    found = entries(AudioCache(tmp_path / "cache"))
    assert len(found) == len(paths)
    assert all(entry.suffix == SUFFIX for entry in found)


def test_parts_of_a_file_have_entries_of_their_own(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.wav")
    parts = [path, f"{path}#t=0.25", f"{path}#t=0,0.75"]
    reader = WaveformReader(format_of(), AudioCache(tmp_path / "cache"))
    whole = reader(path)
    for _ in range(2):
        assert [reader.length(part) for part in parts] == [RATE, RATE * 3 // 4, RATE * 3 // 4]
        np.testing.assert_array_equal(reader(parts[1]), whole[RATE // 4 :])
        np.testing.assert_array_equal(reader(parts[2]), whole[: RATE * 3 // 4])
    assert len(entries(reader.cache)) == 3
