"""Before a run everything is read once: what cannot be used is told, all of it, or left out and listed."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio.processing import AudioProcessing
from kser.errors import UserError
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.reading import WaveformReader, check_all
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat

RATE = 8_000
FORMAT = WaveformFormat(RATE, do_normalize=True, mask_padding=True, minimum_samples=100)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Good, too short, no audio, NaN, good."""
    rng = np.random.default_rng(0)
    sf.write(tmp_path / "0_good.wav", rng.uniform(-0.5, 0.5, 800), RATE)
    sf.write(tmp_path / "1_short.wav", rng.uniform(-0.5, 0.5, 99), RATE)
    (tmp_path / "2_text.wav").write_bytes(b"no audio")
    sf.write(tmp_path / "3_nan.wav", np.full(500, np.nan), RATE, subtype="FLOAT")
    sf.write(tmp_path / "4_good.wav", rng.uniform(-0.5, 0.5, 900), RATE)
    return sorted(str(path) for path in tmp_path.glob("*.wav"))


def test_all_bad_files_are_told_at_once(files: list[str]) -> None:
    with pytest.raises(UserError) as refusal:
        Utterances.from_files(files, [0] * 5, WaveformReader(FORMAT))
    lines = str(refusal.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == files[1:4]


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{i}.wav") for i in range(8)]
    for path in paths:
        Path(path).write_bytes(b"no audio")
    with pytest.raises(UserError) as refusal:
        Utterances.from_files(paths, [0] * 8, WaveformReader(FORMAT))
    lines = str(refusal.value).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "and 3 more audio files that cannot be used"


@pytest.mark.parametrize("cached", [False, True])
def test_skipped_files_are_listed_with_the_reason(files: list[str], tmp_path: Path, cached: bool) -> None:
    reader = WaveformReader(FORMAT, AudioCache(tmp_path / "cache") if cached else None)
    kept = Utterances.from_files(files, [0, 1, 2, 3, 4], reader, on_bad_audio="skip")
    assert kept.paths == [files[0], files[4]]
    assert kept.targets.tolist() == [0, 4]
    assert kept.positions == [0, 4]
    assert kept.lengths == [800, 900]
    assert list(kept.skipped) == files[1:4]
    assert all(reason.startswith(f"{path}: ") for path, reason in kept.skipped.items())


def test_nothing_left_is_an_error_also_when_skipping(files: list[str]) -> None:
    with pytest.raises(UserError, match="no audio file is left that can be used"):
        Utterances.from_files(files[1:4], [0] * 3, WaveformReader(FORMAT), on_bad_audio="skip")


def test_lengths_are_those_of_the_processed_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    silence, sound = np.zeros(RATE), np.random.default_rng(0).uniform(-0.5, 0.5, RATE)
    sf.write(path, np.concatenate([silence, sound, silence]), RATE)
    trimming = WaveformFormat(RATE, True, True, 100, AudioProcessing(trim_db=40.0))
    (length,) = check_all(WaveformReader(trimming), [str(path)])
    assert length == len(WaveformReader(trimming)(str(path)))
    assert RATE <= length < 1.5 * RATE


def test_a_file_is_decoded_once_for_all_runs(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = check_all(WaveformReader(FORMAT), files[:1])

    def refuse(*_: object) -> np.ndarray:
        raise AssertionError("decoded again")

    monkeypatch.setattr("kser.audio.known_sounds.decode", refuse)
    assert check_all(WaveformReader(FORMAT), files[:1]) == first


def test_progress_sees_every_file(files: list[str]) -> None:
    seen: list[object] = []

    def progress(lengths, total):
        for length in lengths:
            seen.append((length, total))
            yield length

    check_all(WaveformReader(FORMAT), files, progress)
    assert len(seen) == 5
    assert {total for _, total in seen} == {5}
