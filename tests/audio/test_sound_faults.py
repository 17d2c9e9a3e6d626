"""What decodes without error and is still wrong is told by name, and what is right is left alone."""

import struct

import numpy as np
import pytest
import soundfile as sf

from kser.audio.decoding import decode
from kser.audio.sound_faults import sound_faults
from kser.errors import UserError
from tests.audio.made_up_speech import RATE, speech

GOOD = speech(0, 0.5)
OTHER = speech(1, 0.5)


def stereo(left, right):
    return np.stack([left, right], axis=1)


# What is written, its encoding, the kind of fault, whether the recording is unusable, and what is said of it.
FAULTY = {
    "zeros": (0 * GOOD, "PCM_16", "silent", True, "is silent: every sample is 0;"),
    "constant": (0 * GOOD + 0.25, "FLOAT", "silent", True, "is silent: every sample is 0.25;"),
    "faint": (
        GOOD / 1000,
        "FLOAT",
        "nearly silent",
        False,
        "its peak is at -66 dB of full scale",
    ),
    "integers": (np.round(GOOD * 2**15), "FLOAT", "not scaled", True, "divide its samples by 32768"),
    "24 bits": (np.round(GOOD * 2**23), "DOUBLE", "not scaled", True, "divide its samples by 8388608"),
    "inverted": (stereo(GOOD, -GOOD), "PCM_16", "cancelled", True, "its channels cancel each other"),
    "nearly inverted": (stereo(GOOD, -0.9 * GOOD), "PCM_16", "nearly cancelled", False, "26 dB are lost"),
    "clipped": (np.clip(3 * GOOD, -0.5, 0.5), "PCM_16", "clipped", False, "is clipped: "),
    "clipped above": (np.clip(3 * GOOD, -2, 0.5) / 2, "PCM_24", "clipped", False, "is clipped: "),
    "offset": (GOOD - 0.05, "PCM_16", "offset", False, "its mean is -5.0% of full scale"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_told(tmp_path, name):
    samples, subtype, kind, is_unusable, words = FAULTY[name]
    sf.write(tmp_path / "a.wav", samples, RATE, subtype)
    (fault,) = sound_faults(decode(tmp_path / "a.wav"))
    assert (fault.kind, fault.unusable) == (kind, is_unusable)
    assert words in fault.words


SOUND = {
    "speech": GOOD,
    "full scale": GOOD / np.abs(GOOD).max(),
    "beyond full scale": 3 * GOOD,
    "two microphones": stereo(GOOD, OTHER),
    "one dead channel": stereo(GOOD, 0 * GOOD),
    "8 bits": np.round(GOOD * 127) / 128,
    "quiet": GOOD / 100,
    "half a second of zeros": np.concatenate([GOOD, 0 * GOOD]),
    "tone": 0.5 * np.sin(np.arange(RATE) / 7),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_right_has_no_fault(tmp_path, name):
    sf.write(tmp_path / "a.wav", SOUND[name], RATE, "FLOAT")
    assert sound_faults(decode(tmp_path / "a.wav")) == ()


# Where the size of the sound is, by the bytes before it; how it is written; what it holds besides the sound.
SIZES = {"wav": (b"data", "<I", 0), "aiff": (b"SSND", ">I", 8), "au": (b".snd\0\0\0\x18", ">I", 0)}


def announce(path, size):
    """Let the header of a file say so many bytes of sound."""
    before, layout, more = SIZES[path.suffix[1:]]
    content = path.read_bytes()
    place = content.index(before) + len(before)
    path.write_bytes(content[:place] + struct.pack(layout, size + more) + content[place + 4 :])


@pytest.mark.parametrize("suffix", SIZES)
def test_a_header_that_was_not_brought_up_to_date_is_told(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    for announced, is_unusable in ((1000, True), (2 * len(GOOD) - 2000, False)):
        sf.write(path, GOOD, RATE, "PCM_16")
        announce(path, announced)
        (fault,) = sound_faults(decode(path))
        assert (fault.kind, fault.unusable) == ("header", is_unusable)
        assert (
            f"announces {announced} bytes of sound, but {2 * len(GOOD) - announced} more follow"
            in fault.words
        )
    announce(path, 0)
    expected = f"a.{suffix}: its header says that it has no samples, but 16000 bytes follow"
    with pytest.raises(UserError, match=expected):
        decode(path)


@pytest.mark.parametrize("size", [0x7FFFF000, 0xFFFFFFFF, 0xFFFFFFFF - 36])
def test_the_length_that_a_pipe_has_is_no_fault(tmp_path, size):
    path = tmp_path / "a.wav"
    sf.write(path, GOOD, RATE, "PCM_16")
    announce(path, size)
    assert sound_faults(decode(path)) == ()


LATER = {
    "chunk": b"LIST" + struct.pack("<I", 600) + b"INFO" + b"x" * 596,
    "two chunks": (b"note" + struct.pack("<I", 700) + b"y" * 700) * 2,
    "ID3": b"ID3\x04\0" + b"z" * 900,
    "APE tag": b"APETAGEX" + b"z" * 900,
    "zeros": bytes(4096),
    "few bytes": b"\x01\x02\x03" * 20,
}


@pytest.mark.parametrize("name", LATER)
def test_what_follows_the_sound_and_is_none_is_no_fault(tmp_path, name):
    path = tmp_path / "a.wav"
    sf.write(path, GOOD, RATE, "PCM_16")
    path.write_bytes(path.read_bytes() + LATER[name])
    assert sound_faults(decode(path)) == ()
