"""Changed copies of a recording are recognised, others are not; see eval/benchmarks/near_duplicates.py."""

import io

import numpy as np
import pytest
import soundfile as sf
import soxr

from kser.audio.acoustic_fingerprint import acoustic_fingerprint, near_duplicates
from tests.audio.made_up_speech import RATE, speech


def coded(waveform, container, encoding):
    file = io.BytesIO()
    sf.write(file, waveform, RATE, encoding, format=container)
    file.seek(0)
    return sf.read(file, dtype="float32")


COPIES = {
    "gain": lambda waveform: (-0.01 * waveform, RATE),
    "up": lambda waveform: (soxr.resample(waveform, RATE, 48_000), 48_000),
    "down": lambda waveform: (soxr.resample(waveform, RATE, 8_000), 8_000),
    "trimmed": lambda waveform: (waveform[5_001:-3_000], RATE),
    "longer": lambda waveform: (np.concatenate([speech(99, 1.013), waveform]), RATE),
    "offset": lambda waveform: (waveform + np.float32(0.1), RATE),
    "mp3": lambda waveform: coded(waveform, "MP3", "MPEG_LAYER_III"),
    "vorbis": lambda waveform: coded(waveform, "OGG", "VORBIS"),
}


@pytest.fixture(scope="module")
def originals():
    return [acoustic_fingerprint(speech(seed), RATE) for seed in range(12)]


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_changed_copy_is_found_and_nothing_else(originals, change):
    copy = acoustic_fingerprint(*change(speech(7)))
    (found,) = near_duplicates([*originals, copy])
    assert found[:2] == (7, len(originals))


def test_other_recordings_are_no_duplicates(originals):
    assert near_duplicates(originals) == []


def test_every_pair_of_many_copies_is_found_once(originals):
    found = near_duplicates([originals[3], originals[4], originals[3], originals[3]])
    assert [pair[:2] for pair in found] == [(0, 2), (0, 3), (2, 3)]
    assert {pair.differing for pair in found} == {0.0}


def test_the_best_shift_counts(originals):
    shifted = originals[0][37:]
    assert near_duplicates([originals[0], shifted]) == [(0, 1, 0.0)]


@pytest.mark.parametrize(
    "waveform",
    [np.zeros(RATE), np.full(RATE, 0.3), np.sin(np.arange(RATE) * 0.3), np.zeros(1)],
    ids=["silence", "constant", "tone", "one sample"],
)
def test_what_says_nothing_is_no_duplicate(waveform):
    prints = [acoustic_fingerprint(waveform.astype(np.float32), RATE)] * 2
    assert near_duplicates(prints) == []


def test_too_little_of_a_recording_is_no_duplicate():
    heard = speech(1)
    for part_s, is_enough in ((1.0, True), (0.2, False)):
        part = acoustic_fingerprint(heard[: int(part_s * RATE)], RATE)
        assert bool(near_duplicates([acoustic_fingerprint(heard, RATE), part])) is is_enough


def test_duplicates_are_found_among_more_frames_than_are_sorted_at_once(originals):
    others = list(np.random.default_rng(0).integers(1, 1 << 32, (15_000, 300), np.uint32))
    part = others[9_000][50:150]
    found = near_duplicates([originals[3], *others, part, np.zeros(0, np.uint32), originals[3]])
    assert found == [(0, 15_003, 0.0), (9_001, 15_001, 0.0)]


@pytest.mark.parametrize(("common", "is_duplicate"), [(1.0, True), (0.5, True), (0.3, False)])
def test_long_recordings_are_compared_as_a_whole(common, is_duplicate):
    generator = np.random.default_rng(0)
    long, another = generator.integers(1, 1 << 32, (2, 30_000), np.uint32)
    copy = np.where(np.arange(30_000) < common * 30_000, long, another)[100:]
    found = near_duplicates([another[::-1], long, copy])
    assert [pair[:2] for pair in found] == [(1, 2)] * is_duplicate
    if found:
        frames_apart = np.bitwise_count(long[100:] ^ copy)
        assert found[0].differing == pytest.approx(frames_apart.mean() / 32)


def test_frames_follow_the_duration(originals):
    assert originals[0].dtype == np.uint32
    assert len(originals[0]) == 100  # one each 20 ms
    assert near_duplicates([]) == []
    assert near_duplicates([np.zeros(0, np.uint32)] * 2) == []
