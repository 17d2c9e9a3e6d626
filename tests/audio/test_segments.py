"""Parts of a file are recordings of their own: they sound, and are named, as if they had been cut out."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio.decoding import decode
from kser.audio.known_contents import recording_digest
from kser.audio.loading import load_audio
from kser.audio.segments import Segment, equal_parts, file_of, in_other_file, segment_of
from kser.errors import UserError
from kser.files import content_digest

RATE = 16_000


@pytest.fixture
def dialogue(tmp_path: Path) -> Path:
    """Two seconds of noise in two channels."""
    path = tmp_path / "dialogue.wav"
    sf.write(path, np.random.default_rng(0).uniform(-1, 1, (2 * RATE, 2)), RATE)
    return path


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        (Segment("a.wav", 1.25, 3.5), "a.wav#t=1.25,3.5"),
        (Segment("a.wav", 2.0), "a.wav#t=2"),
        (Segment("a.wav", 0.0, 1e-7), "a.wav#t=0,0.0000001"),
        (Segment("a#t=1,2.wav", 0.5, 1.0), "a#t=1,2.wav#t=0.5,1"),
    ],
)
def test_names_say_which_part_it_is(segment: Segment, name: str) -> None:
    assert segment.name == name
    assert segment_of(name) == segment
    assert file_of(name) == segment.file
    assert in_other_file(name, "b.flac") == name.replace(segment.file, "b.flac")


@pytest.mark.parametrize("name", ["a.wav", "a#t=1,2.wav", "#t=1", "a.wav#t=", "a.wav#t=-1,2"])
def test_other_names_are_those_of_files(name: str) -> None:
    assert segment_of(name) is None
    assert file_of(name) == name


def test_the_whole_of_a_file_is_the_file() -> None:
    assert Segment("a.wav", 0.0).name == "a.wav"


@pytest.mark.parametrize("sampling_rate", [RATE, 8_000])
def test_a_part_sounds_as_if_it_had_been_cut_out(dialogue: Path, sampling_rate: int) -> None:
    samples, _ = sf.read(dialogue, dtype="float32")
    sf.write(dialogue.with_name("cut.wav"), samples[8_000:24_000], RATE, subtype="FLOAT")
    part = load_audio(f"{dialogue}#t=0.5,1.5", sampling_rate)
    np.testing.assert_array_equal(part, load_audio(dialogue.with_name("cut.wav"), sampling_rate))


def test_a_part_without_an_end_goes_to_the_end(dialogue: Path) -> None:
    assert len(load_audio(f"{dialogue}#t=0.5", RATE)) == 24_000
    assert len(load_audio(f"{dialogue}#t=0.5,2.04", RATE)) == 24_000  # an end that was rounded


def test_the_file_may_change_between_two_parts(dialogue: Path) -> None:
    before = load_audio(f"{dialogue}#t=0,1", RATE)
    sf.write(dialogue, np.zeros(3 * RATE), RATE)
    assert before.any()
    assert not load_audio(f"{dialogue}#t=0,1", RATE).any()


def test_parts_do_not_share_samples(dialogue: Path) -> None:
    first = decode(f"{dialogue}#t=0,1").samples
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(decode(f"{dialogue}#t=0,1").samples, kept)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("#t=0.5,2.5", "dialogue.wav#t=0.5,2.5: the segment ends at 2.5 s, but the file has 2.000 s"),
        ("#t=3", "the segment begins at 3 s, but the file has 2.000 s"),
        ("#t=1,1.00001", "the segment has no samples"),
    ],
)
def test_a_part_that_is_not_within_the_file_is_refused(dialogue: Path, part: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        load_audio(f"{dialogue}{part}", RATE)
    assert says in str(error.value)


def test_a_part_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.wav: audio file not found"):
        load_audio(tmp_path / "none.wav#t=0,1", RATE)


def test_each_part_has_a_digest_of_its_own(dialogue: Path, tmp_path: Path) -> None:
    names = [dialogue, f"{dialogue}#t=0,1", f"{dialogue}#t=0,1.5", f"{dialogue}#t=1"]
    digests = [recording_digest(name) for name in names]
    assert len(set(digests)) == len(names)
    assert digests[0] == content_digest(dialogue)
    copy = tmp_path / "copy.wav"
    copy.write_bytes(dialogue.read_bytes())
    assert recording_digest(f"{copy}#t=0,1") == digests[1]
    sf.write(dialogue, np.zeros(RATE), RATE)
    assert recording_digest(f"{dialogue}#t=0,1") != digests[1]


@pytest.mark.parametrize("part", ["", "#t=0.3", "#t=0.25,1.5"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_equal_parts_make_up_the_whole(dialogue: Path, part: str, count: int) -> None:
    path = f"{dialogue}{part}"
    whole = decode(path)
    parts = equal_parts(path, len(whole.samples), whole.sampling_rate, count)
    sounds = [decode(name).samples for name, _ in parts]
    assert [len(samples) for samples in sounds] == [samples for _, samples in parts]
    assert np.ptp([len(samples) for samples in sounds]) <= 1
    np.testing.assert_array_equal(np.concatenate(sounds), whole.samples)
