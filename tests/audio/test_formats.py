"""Every container and encoding, told by its content: the samples are those that were written, to the bit."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio import mpeg
from kser.audio.decoding import decode, decode_bytes, stored_as
from kser.audio.loading import load_audio
from kser.errors import UserError

RATE = 16_000
RNG = np.random.default_rng(0)
# Multiples of 1/128 fit into every lossless encoding of 8 bits and more.
LOSSLESS = RNG.integers(-128, 128, (1000, 2)) / 128

LOSSLESS_FORMS = [
    *(("WAV", subtype, "FILE") for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *(("WAV", subtype, "BIG") for subtype in ("PCM_16", "PCM_24", "FLOAT")),
    *(("WAVEX", subtype, "FILE") for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")),
    *(("RF64", subtype, "FILE") for subtype in ("PCM_16", "PCM_24", "FLOAT")),
    *(("W64", subtype, "FILE") for subtype in ("PCM_16", "DOUBLE")),
    *(("FLAC", subtype, "FILE") for subtype in ("PCM_S8", "PCM_16", "PCM_24")),
    *(("AIFF", subtype, "FILE") for subtype in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")),
    *(("AIFF", subtype, "LITTLE") for subtype in ("PCM_16",)),
    *(("AU", subtype, endian) for subtype in ("PCM_16", "FLOAT") for endian in ("FILE", "LITTLE")),
    *(("CAF", subtype, "FILE") for subtype in ("PCM_16", "PCM_24")),
    *((container, "PCM_16", "FILE") for container in ("IRCAM", "PVF", "PAF", "MAT4", "MAT5", "AVR")),
    ("NIST", "PCM_16", "FILE"),
    ("VOC", "PCM_16", "FILE"),
]


def assert_loads(path: Path, samples: np.ndarray) -> None:
    """The file gives just these samples."""
    loaded = load_audio(path, RATE)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, samples.astype(np.float32).mean(axis=1, dtype=np.float32))


def chunk(name: bytes, content: bytes, order: str = "<") -> bytes:
    return name + struct.pack(order + "I", len(content)) + content + b"\0" * (len(content) % 2)


def wav(data: bytes, bits: int, order: str = "<", before: bytes = b"", code: int = 1) -> bytes:
    """A stereo WAV file put together by hand."""
    block = 2 * bits // 8
    header = struct.pack(order + "HHIIHH", code, 2, RATE, RATE * block, block, bits)
    body = b"WAVE" + chunk(b"fmt ", header, order) + before + chunk(b"data", data, order)
    return chunk(b"RIFF" if order == "<" else b"RIFX", body, order)


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as refused:
        load_audio(path, RATE)
    line = str(refused.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize(("container", "subtype", "endian"), LOSSLESS_FORMS)
def test_lossless_encodings(tmp_path, container, subtype, endian):
    path = tmp_path / "a.bin"  # the suffix tells nothing
    sf.write(path, LOSSLESS, RATE, format=container, subtype=subtype, endian=endian)
    assert_loads(path, LOSSLESS)
    in_memory = decode_bytes(path.read_bytes(), "a recording")
    np.testing.assert_array_equal(in_memory.samples, decode(path).samples)


@pytest.mark.parametrize(
    ("bits", "dtype", "offset", "code"),
    [(8, "u1", 128, 1), (16, "i2", 0, 1), (32, "i4", 0, 1), (32, "f4", 0, 3), (64, "f8", 0, 3)],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_wav_made_by_hand(tmp_path, bits, dtype, offset, code, order):
    scale = 1 if code == 3 else 2 ** (bits - 1)
    stored = (LOSSLESS * scale + offset).astype(order + dtype)
    notes = chunk(b"LIST", b"INFOIART" + b"\x03\0\0\0abc\0", order)
    path = tmp_path / "a.wav"
    path.write_bytes(wav(stored.tobytes(), bits, order, before=notes, code=code))
    assert_loads(path, LOSSLESS)


def test_wav_with_64_bit_integers_goes_through_av(tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "a.wav"
    path.write_bytes(wav((LOSSLESS * 2.0**62).astype("<i8").tobytes(), 64))
    assert_loads(path, LOSSLESS / 2)


def test_alac_that_libsndfile_decodes_to_noise(tmp_path):
    pytest.importorskip("av")
    samples = LOSSLESS[:, :1]
    sf.write(tmp_path / "a.caf", samples, RATE, subtype="ALAC_32")
    assert not np.array_equal(sf.read(tmp_path / "a.caf", always_2d=True)[0], samples)
    assert_loads(tmp_path / "a.caf", samples)


def test_bw64_is_rf64(tmp_path):
    path = tmp_path / "a.wav"
    sf.write(path, LOSSLESS, RATE, format="RF64", subtype="PCM_16")
    path.write_bytes(b"BW64" + path.read_bytes()[4:])
    assert_loads(path, LOSSLESS)


def test_tag_in_front(tmp_path):
    path = tmp_path / "a.wav"
    sf.write(path, LOSSLESS, RATE, subtype="PCM_16")
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + path.read_bytes())
    assert_loads(path, LOSSLESS)


@pytest.mark.parametrize("channels", [1, 2, 6, 17])
@pytest.mark.parametrize("rate", [4000, 11_025, 192_000])
def test_any_channels_and_rate(tmp_path, channels, rate):
    samples = RNG.integers(-128, 128, (500, channels)) / 128
    sf.write(tmp_path / "a.wav", samples, rate)
    sound = decode(tmp_path / "a.wav")
    assert sound.sampling_rate == rate
    np.testing.assert_array_equal(sound.samples, samples)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_32_bits_are_exact_in_float64(tmp_path, dtype):
    stored = RNG.integers(-(2**31), 2**31, (300, 1), dtype=np.int64)
    sf.write(tmp_path / "a.wav", stored.astype(np.int32), RATE, subtype="PCM_32")
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", dtype).samples, (stored / 2.0**31).astype(dtype))


@pytest.mark.parametrize(
    ("container", "subtype", "named"),
    [
        ("MP3", None, "a.wav"),
        ("WAV", None, "a.flac"),
        ("FLAC", None, "a.mp3"),
        ("OGG", "VORBIS", "a.wav"),
        ("OGG", "OPUS", "a.m4a"),
        ("WAV", None, "a.raw"),
        ("WAV", None, "a.vox"),
        ("AIFF", None, "a"),
    ],
)
def test_the_suffix_does_not_matter(tmp_path, container, subtype, named):
    data = io.BytesIO()
    sf.write(data, LOSSLESS / 4, RATE, format=container, subtype=subtype)
    data.seek(0)
    (tmp_path / named).write_bytes(data.getvalue())
    with sf.SoundFile(data) as sound:  # sf.read seeks first, which changes the last bit of MP3
        expected = sound.read(dtype="float32", always_2d=True)
    assert_loads(tmp_path / named, expected)


@pytest.mark.parametrize("suffix", ["au", "snd", "vox", "gsm", "raw", "mp3", "wav", "aac", "mp4", "txt"])
@pytest.mark.parametrize("content", [b"this is text, not sound. " * 200, bytes(5000), b"x"])
def test_no_sound_under_any_suffix(tmp_path, suffix, content, capfd):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    assert "cannot be read as audio" in refusal(path)
    assert not capfd.readouterr().err  # decoders that speak to the terminal were not asked


def test_a_format_that_is_not_decoded_exactly(tmp_path):
    path = tmp_path / "a.sds"
    sf.write(path, LOSSLESS[:, :1], RATE, subtype="PCM_16")
    assert "SDS" in refusal(path)
    assert "not decoded exactly" in refusal(path)


def test_broken_symbolic_link(tmp_path):
    (tmp_path / "a.wav").symlink_to(tmp_path / "gone.wav")
    assert "audio file not found" in refusal(tmp_path / "a.wav")


def test_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert "is a pipe or a device" in refusal(tmp_path / "a.wav")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    sf.write(tmp_path / "a.wav", LOSSLESS, RATE)
    (tmp_path / "a.wav").chmod(0)
    assert "cannot be read: Permission denied" in refusal(tmp_path / "a.wav")


def test_name_that_no_file_can_have():
    with pytest.raises(UserError, match="cannot be read"):
        load_audio("a\0.wav", RATE)


class TestHeadersThatPromiseTooMuch:
    def test_channels(self, tmp_path):
        self.patched(tmp_path, 22, "<H", 65_535)
        assert "cannot be read as audio" in refusal(tmp_path / "a.wav")

    @pytest.mark.parametrize("rate", [0, 1, 999, 0xFFFFFFFF])
    def test_sampling_rate(self, tmp_path, rate):
        self.patched(tmp_path, 24, "<I", rate)
        refusal(tmp_path / "a.wav")

    def test_flac_of_days_in_some_bytes(self, tmp_path):
        path = tmp_path / "a.flac"
        sf.write(path, LOSSLESS, RATE)
        content = bytearray(path.read_bytes())
        content[21] |= 0x0F  # the 36 bits of STREAMINFO that count the samples
        content[22:26] = b"\xff" * 4
        path.write_bytes(content)
        assert "promises 68719476735 samples" in refusal(path)

    @staticmethod
    def patched(folder, offset, form, value):
        content = bytearray(wav((LOSSLESS * 2**15).astype("<i2").tobytes(), 16))
        struct.pack_into(form, content, offset, value)
        (folder / "a.wav").write_bytes(content)


class TestMp3WithoutXingHeader:
    """As encoders write it to a pipe; libsndfile alone stops at the length that the first frame suggests."""

    @pytest.fixture
    def headless(self, tmp_path):
        """A stream of long and short frames, and how many it has."""
        path = tmp_path / "a.mp3"
        noise, silence = RNG.uniform(-0.5, 0.5, RATE), np.zeros(4 * RATE)
        sf.write(path, np.concatenate([noise, silence]), RATE, bitrate_mode="VARIABLE")
        content = path.read_bytes()
        first = mpeg.parse_frame(content[:4])
        assert first is not None
        assert b"Xing" in content[: first.length]
        path.write_bytes(content[first.length :])
        return path

    def test_is_decoded_to_its_end(self, headless):
        assert abs(len(load_audio(headless, RATE)) - 5 * RATE) < 3 * 576

    def test_gives_the_samples_that_libsndfile_gives(self, tmp_path):
        path = tmp_path / "a.mp3"
        sf.write(path, RNG.uniform(-0.5, 0.5, RATE), RATE, bitrate_mode="CONSTANT")
        content = path.read_bytes()
        first = mpeg.parse_frame(content[:4])
        assert first is not None
        path.write_bytes(content[first.length :])
        with sf.SoundFile(path) as sound:
            by_libsndfile = sound.read(dtype="float32")
        assert len(by_libsndfile) > RATE / 4
        np.testing.assert_array_equal(load_audio(path, RATE)[: len(by_libsndfile)], by_libsndfile)

    @pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(24), bytes(1000)])
    def test_tags_at_the_end(self, headless, tag):
        length = len(load_audio(headless, RATE))
        headless.write_bytes(headless.read_bytes() + tag)
        assert len(load_audio(headless, RATE)) == length

    @pytest.mark.parametrize("lost", [1, 30])
    def test_cut_short(self, headless, lost):
        headless.write_bytes(headless.read_bytes()[:-lost])
        assert "ends within a frame" in refusal(headless)

    def test_foreign_bytes_within(self, headless):
        content = headless.read_bytes()
        headless.write_bytes(content + b"something else" + content)
        assert f"no MPEG frame at byte {len(content)}" in refusal(headless)


class TestCutShort:
    """What is known from the structure alone, before anything is decoded."""

    @pytest.mark.parametrize(
        ("container", "subtype"),
        [
            *(("WAV", "PCM_16"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("W64", "PCM_16")),
            *(("AIFF", "PCM_16"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS")),
        ],
    )
    @pytest.mark.parametrize("kept", [0.3, 0.99])
    def test_containers(self, tmp_path, container, subtype, kept):
        path = tmp_path / "a"
        sf.write(path, RNG.uniform(-0.5, 0.5, (3 * RATE, 2)), RATE, format=container, subtype=subtype)
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content))])
        assert "cut short" in refusal(path)
        with pytest.raises(UserError, match="cut short"):
            stored_as(path)

    @pytest.mark.parametrize("lost", [4, 500])
    def test_a_few_bytes_of_wav(self, tmp_path, lost):
        content = wav((LOSSLESS * 2**15).astype("<i2").tobytes(), 16)
        (tmp_path / "a.wav").write_bytes(content[:-lost])
        assert f"{4000 - lost} of the 4000 bytes" in refusal(tmp_path / "a.wav")

    def test_part_of_a_sample_too_many_is_not_missed(self, tmp_path):
        content = bytearray(wav((LOSSLESS * 2**15).astype("<i2").tobytes(), 16))
        struct.pack_into("<I", content, 40, 4003)
        (tmp_path / "a.wav").write_bytes(content)
        assert_loads(tmp_path / "a.wav", LOSSLESS)

    @pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
    def test_ogg_that_loses_whole_pages(self, tmp_path, subtype):
        path = tmp_path / "a.ogg"
        sf.write(path, RNG.uniform(-0.5, 0.5, 3 * RATE), RATE, format="OGG", subtype=subtype)
        content = path.read_bytes()
        path.write_bytes(content[: content.rfind(b"OggS")])
        assert "page that ends the stream" in refusal(path)

    @pytest.mark.parametrize("container", ["FLAC", "MP3"])
    @pytest.mark.parametrize("lost", [50, 1000])
    def test_shown_when_decoded(self, tmp_path, container, lost):
        path = tmp_path / "a"
        sf.write(path, RNG.uniform(-0.5, 0.5, 3 * RATE), RATE, format=container)
        path.write_bytes(path.read_bytes()[:-lost])
        refusal(path)


def test_a_sphere_file_that_is_cut_short_is_told(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)
    path = tmp_path / "a.sph"
    sf.write(path, noise, 8000, format="NIST", subtype="PCM_16")
    assert len(load_audio(path, 8000)) == 4000
    whole = path.read_bytes()
    for bytes_left in (len(whole) - 2, len(whole) // 2):
        path.write_bytes(whole[:bytes_left])
        with pytest.raises(UserError, match=r"a\.sph: is cut short"):
            load_audio(path, 8000)
