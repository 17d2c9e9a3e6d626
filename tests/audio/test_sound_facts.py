"""A recording is known by its samples, and what is known is found out once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio import known_sounds as known_sounds_module
from kser.audio.decoding import decode
from kser.audio.known_sounds import KnownSounds
from kser.audio.loading import load_audio
from kser.audio.sound_facts import SoundFacts
from kser.audio.sound_store import SoundStore, store_path
from tests.audio.made_up_speech import RATE, speech

SOUND = np.round(speech(0, 0.5) * 2**15) / 2**15
DIFFERENT = SOUND + np.float32(2**-15) * (np.arange(len(SOUND)) == 4000)
SILENT_END = np.zeros(300, np.float32)


def facts_of(path: Path, samples: np.ndarray, subtype: str = "PCM_16", **options) -> SoundFacts:
    sf.write(path, samples, RATE, subtype, **options)
    return SoundFacts.of(decode(path))


@pytest.fixture
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("KSER_CACHE", str(tmp_path / "store"))


SAME = {
    "a.wav": (SOUND, "PCM_16"),
    "a.flac": (SOUND, "PCM_16"),
    "24 bits.flac": (SOUND, "PCM_24"),
    "float.wav": (SOUND, "FLOAT"),
    "double.wav": (SOUND, "DOUBLE"),
    "big endian.aiff": (SOUND, "PCM_16"),
    "both channels.wav": (np.stack([SOUND, SOUND], axis=1), "PCM_16"),
    "zeros around.wav": (np.concatenate([SILENT_END, SOUND, SILENT_END]), "PCM_16"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_sound_is_the_same_recording(tmp_path, name):
    samples, subtype = SAME[name]
    digest = facts_of(tmp_path / name, samples, subtype).digest
    assert digest == facts_of(tmp_path / "first.wav", SOUND).digest
    assert digest != facts_of(tmp_path / "another.wav", DIFFERENT).digest


def test_tags_make_no_other_recording(tmp_path):
    plain = facts_of(tmp_path / "a.wav", SOUND)
    with sf.SoundFile(tmp_path / "tagged.wav", "w", RATE, 1, "PCM_16") as file:
        file.title = "another"
        file.write(SOUND)
    assert (tmp_path / "tagged.wav").stat().st_size != (tmp_path / "a.wav").stat().st_size
    assert SoundFacts.of(decode(tmp_path / "tagged.wav")) == plain


def test_swapped_channels_make_no_other_recording(tmp_path):
    channels = np.stack([SOUND, speech(1, 0.5)], axis=1)
    digests = {
        facts_of(tmp_path / f"{i}.wav", both).digest for i, both in enumerate([channels, channels[:, ::-1]])
    }
    assert len(digests) == 1 and digests != {facts_of(tmp_path / "a.wav", SOUND).digest}


@pytest.mark.parametrize("silence", [np.zeros(800), np.full(900, 0.25), np.arange(700) % 2 / 2**15])
def test_silence_is_no_recording_of_anything(tmp_path, silence):
    assert facts_of(tmp_path / "a.wav", silence).digest == ""


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_lengths_are_those_of_loaded_audio(tmp_path, rate):
    facts = facts_of(tmp_path / "a.wav", SOUND[:7919])
    assert facts.length_at(rate) == len(load_audio(tmp_path / "a.wav", rate))


def refuse_decoding(monkeypatch):
    def refuse(path):
        raise AssertionError(f"{path} is decoded again")

    monkeypatch.setattr(known_sounds_module, "decode", refuse)


def test_another_process_decodes_nothing_again(tmp_path, own_store, monkeypatch):
    sf.write(tmp_path / "ä clipped.wav", np.clip(4 * speech(0), -0.5, 0.5), RATE)
    sf.write(tmp_path / "b.wav", speech(1), RATE)
    paths = [str(path) for path in sorted(tmp_path.glob("*.wav"))]
    found = list(KnownSounds().of_all(paths))
    assert [fault.kind for facts in found for fault in facts.faults] == ["clipped"]
    refuse_decoding(monkeypatch)
    again = list(KnownSounds().of_all(paths))
    assert again == found
    assert all(np.array_equal(a.fingerprint, b.fingerprint) for a, b in zip(again, found, strict=True))


def test_the_store_takes_little_more_than_fingerprints_do(tmp_path, own_store):
    sf.write(tmp_path / "a.wav", speech(0), RATE)
    facts = replace(SoundFacts.of(decode(tmp_path / "a.wav")), fingerprint=np.arange(288, dtype=np.uint32))
    recordings = {f"/a/folder/with/recordings/{number:06}.wav": ("as it is", facts) for number in range(500)}
    SoundStore(store_path()).write(recordings)
    assert store_path().stat().st_size < 2 * 500 * facts.fingerprint.nbytes


def test_a_file_that_changed_is_decoded_again(tmp_path, own_store):
    path = tmp_path / "a.wav"
    sf.write(path, speech(0), RATE)
    sounds = KnownSounds()
    (before,) = sounds.of_all([str(path)])
    sf.write(path, speech(1), RATE)
    assert sounds.get(str(path)) is None
    for later in (sounds, KnownSounds()):
        (after,) = later.of_all([str(path)])
        assert after.digest != before.digest and after.samples == before.samples


def test_a_store_that_cannot_be_used_costs_nothing_but_time(tmp_path, own_store):
    path = str(tmp_path / "a.wav")
    sf.write(path, speech(0), RATE)
    store_path().parent.mkdir()
    store_path().write_bytes(b"no database at all, whatever its name says")
    (facts,) = KnownSounds().of_all([path])
    assert facts.samples == 2 * RATE
    store_path().unlink()
    store_path().parent.rmdir()
    store_path().parent.write_bytes(b"a file where the folder should be")
    assert list(KnownSounds().of_all([path])) == [facts]


def test_what_cannot_be_decoded_is_told_each_time(tmp_path, own_store):
    path = str(tmp_path / "a.wav")
    Path(path).write_bytes(b"no audio")
    for _ in range(2):
        (mistake,) = KnownSounds().of_all([path])
        assert str(mistake).startswith(f"{path}: cannot be read as audio")
