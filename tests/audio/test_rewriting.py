"""A processed copy keeps everything that was not to be changed."""

import math

import numpy as np
import pytest
import soundfile as sf

from kser.audio.decoding import decode, stored_as, tags_of
from kser.audio.processing import integrated_loudness, sound_between
from kser.audio.rewriting import Normalize, Trim, rewrite, written_name
from kser.errors import UserError

RATE = 22_050
RNG = np.random.default_rng(0)


def between_silence(waveform: np.ndarray) -> np.ndarray:
    silence = np.zeros((RATE // 2, waveform.shape[1]))
    return np.concatenate([silence, waveform, silence])


def sound(channels: int = 1) -> np.ndarray:
    """Half a second each of silence, noise and silence."""
    return between_silence(RNG.normal(0, 0.02, (RATE // 2, channels)))


def chord(channels: int) -> np.ndarray:
    """What codecs keep well, unlike noise."""
    time_s = np.arange(RATE // 2)[:, None] / RATE
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (220, 440, 1000))
    return between_silence(0.04 * np.repeat(tones, channels, axis=1))


@pytest.mark.parametrize(
    ("container", "subtype", "endian"),
    [
        *(("WAV", subtype, "FILE") for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")),
        *(("WAV", subtype, "FILE") for subtype in ("ULAW", "MS_ADPCM", "IMA_ADPCM")),
        *(("WAV", "PCM_16", "BIG"), ("WAVEX", "PCM_24", "FILE"), ("RF64", "PCM_16", "FILE")),
        *(("FLAC", "PCM_16", "FILE"), ("FLAC", "PCM_24", "FILE"), ("AIFF", "PCM_16", "FILE")),
        *(("OGG", "VORBIS", "FILE"), ("MP3", None, "FILE"), ("AU", "PCM_16", "FILE")),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_rate_channels_and_format_stay(tmp_path, container, subtype, endian, channels):
    source, target = tmp_path / "a.wav", tmp_path / "out" / "a.wav"
    sf.write(source, chord(channels), RATE, subtype, endian, container)
    facts = rewrite(source, target, Normalize(-23.0))
    assert stored_as(target) == stored_as(source)
    before, after = decode(source), decode(target)
    assert (after.sampling_rate, after.samples.shape[1]) == (RATE, channels)
    assert facts.loudness_lufs == pytest.approx(integrated_loudness(before.samples, RATE), abs=1e-6)
    assert integrated_loudness(after.samples, RATE) == pytest.approx(-23, abs=0.1)


def test_one_gain_for_all_channels(tmp_path):
    samples = sound(2) * [1.0, 0.25]
    sf.write(tmp_path / "a.wav", samples, RATE, subtype="DOUBLE")
    facts = rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Normalize(-30.0))
    copy = decode(tmp_path / "b.wav", "float64").samples
    np.testing.assert_allclose(copy, samples * 10 ** (facts.gain_db / 20), rtol=1e-12)
    assert integrated_loudness(copy, RATE) == pytest.approx(-30, abs=1e-6)


@pytest.mark.parametrize(
    ("subtype", "highest"), [("PCM_16", 32_767 / 32_768), ("PCM_U8", 127 / 128), ("PCM_24", 1 - 2**-23)]
)
def test_gain_is_limited_where_it_would_clip(tmp_path, subtype, highest):
    samples = sound()
    samples[RATE // 3] = 0.9
    sf.write(tmp_path / "a.wav", samples, RATE, subtype=subtype)
    facts = rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Normalize(-10.0))
    assert facts.limited
    assert "gain limited from" in facts.note
    assert np.abs(decode(tmp_path / "b.wav", "float64").samples).max() == highest


def test_float_holds_any_peak(tmp_path):
    samples = sound()
    samples[RATE // 3] = 0.9
    sf.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    facts = rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Normalize(-10.0))
    assert not facts.limited
    assert np.abs(decode(tmp_path / "b.wav").samples).max() > 1


def test_full_scale_recording_is_not_made_softer_than_it_is(tmp_path):
    samples = sound()
    samples[RATE // 3] = -1
    sf.write(tmp_path / "a.wav", samples, RATE, subtype="PCM_16")
    facts = rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Normalize(-10.0))
    assert (facts.limited, facts.gain_db) == (True, 0.0)
    np.testing.assert_array_equal(decode(tmp_path / "b.wav").samples, decode(tmp_path / "a.wav").samples)


def test_silence_stays(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    facts = rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Normalize(-23.0))
    assert facts.loudness_lufs is None
    assert facts.note == "silence: left as it is"
    assert not decode(tmp_path / "b.wav").samples.any()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_trimming_changes_no_sample(tmp_path, subtype):
    sf.write(tmp_path / "a.wav", sound(2), RATE, subtype=subtype)
    facts = rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Trim(30.0))
    before = decode(tmp_path / "a.wav", "float64").samples
    after = decode(tmp_path / "b.wav", "float64").samples
    start, end = sound_between(before, RATE, 30.0)
    np.testing.assert_array_equal(after, before[start:end])
    assert facts.removed_s == pytest.approx((len(before) - len(after)) / RATE)
    assert 0.6 < facts.removed_s < 1


class TestTags:
    TAGS = {"title": "Età", "artist": "Anna", "comment": "take 2"}  # noqa: RUF012 — never changed

    @pytest.mark.parametrize(
        ("container", "subtype"),
        [
            *(("WAV", "PCM_16"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("FLAC", "PCM_16")),
            *(("OGG", "VORBIS"), ("AIFF", "PCM_16"), ("CAF", "PCM_16")),
        ],
    )
    @pytest.mark.parametrize("step", [Normalize(-23.0), Trim(30.0)])
    def test_stay(self, tmp_path, container, subtype, step):
        source, target = tmp_path / "a", tmp_path / "b"
        with sf.SoundFile(source, "w", RATE, 1, subtype, format=container) as file:
            for name, text in self.TAGS.items():
                setattr(file, name, text)
            file.write(chord(1))
        rewrite(source, target, step)
        assert {name: text for name, text in tags_of(target).items() if name in self.TAGS} == self.TAGS
        assert stored_as(target) == stored_as(source)

    def test_of_mp3_stay_to_the_byte(self, tmp_path):
        text = "Età".encode("utf-16")
        frame = b"TIT2" + (1 + len(text)).to_bytes(4, "big") + b"\0\0\x01" + text
        tag = b"ID3\x03\0\0" + len(frame).to_bytes(4, "big") + frame
        source, target = tmp_path / "a.mp3", tmp_path / "b.mp3"
        sf.write(source, chord(1), RATE)
        source.write_bytes(tag + source.read_bytes())
        rewrite(source, target, Normalize(-23.0))
        assert target.read_bytes().startswith(tag + b"\xff")
        assert len(decode(target).samples) == len(decode(source).samples)

    def test_of_a_format_that_can_only_be_read(self, tmp_path):
        av = pytest.importorskip("av")
        source, target = tmp_path / "a.mka", tmp_path / "a.flac"
        with av.open(str(source), "w", format="matroska") as container:
            container.metadata["title"] = "Età"
            stream = container.add_stream("flac", rate=RATE, layout="mono")
            samples = (sound().T * 2**15).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        rewrite(source, target, Trim(30.0))
        assert tags_of(source) == {"title": "Età"}
        assert tags_of(target) == {"title": "Età"}


def test_layer_2_becomes_flac(tmp_path):
    av = pytest.importorskip("av")
    source = tmp_path / "a.mp2"
    with av.open(str(source), "w", format="mp2") as container:
        stream = container.add_stream("mp2", rate=RATE, layout="mono")
        samples = (sound().T * 2**15).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        for part in [*(resampler := av.AudioResampler("s16", "mono", RATE, 1152)).resample(frame)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(resampler.resample(None)[0]))
        container.mux(stream.encode(None))
    assert written_name(source) == "a.flac"
    facts = rewrite(source, tmp_path / "a.flac", Trim(30.0))
    assert "written as FLAC" in facts.note


class TestFormatsThatCanOnlyBeRead:
    @pytest.fixture
    def m4a(self, tmp_path):
        av = pytest.importorskip("av")
        path = tmp_path / "a.m4a"
        with av.open(str(path), "w", format="ipod") as container:
            stream = container.add_stream("alac", rate=RATE, layout="mono")
            samples = (sound().T * 2**15).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            stream.codec_context.open()
            resampler = av.AudioResampler("s16p", "mono", RATE, stream.codec_context.frame_size)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        return path

    def test_become_flac(self, tmp_path, m4a):
        assert written_name(m4a) == "a.flac"
        facts = rewrite(m4a, tmp_path / "a.flac", Trim(30.0))
        assert "written as FLAC" in facts.note
        assert stored_as(tmp_path / "a.flac") == ("FLAC", "PCM_24", "FILE")
        before = decode(m4a).samples
        start, end = sound_between(before, RATE, 30.0)
        np.testing.assert_array_equal(decode(tmp_path / "a.flac").samples, before[start:end])


@pytest.mark.parametrize("step", [Normalize, Trim])
@pytest.mark.parametrize("value", [math.nan, math.inf, -80])
def test_ranges(step, value):
    with pytest.raises(ValueError, match="must be"):
        step(value)


def test_more_channels_than_loudness_is_defined_for(tmp_path):
    sf.write(tmp_path / "a.wav", sound(8), RATE)
    with pytest.raises(UserError, match=r"a\.wav: loudness is defined for up to 6 channels"):
        rewrite(tmp_path / "a.wav", tmp_path / "b.wav", Normalize(-23.0))
    assert not (tmp_path / "b.wav").exists()
