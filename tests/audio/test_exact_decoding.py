"""What libsndfile alone shortens, misreads or refuses gives what was encoded, or the true reason."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio import mpeg
from kser.audio.decoding import Sound, decode, stored_as
from kser.errors import UserError

av = pytest.importorskip("av")

RATE = 16_000
RNG = np.random.default_rng(0)
NOISE = RNG.integers(-8000, 8000, (RATE, 1), dtype=np.int16)
STEP_OF_16_BITS = 2.0**-15
SUBFORMAT_BEHIND_TAG = bytes.fromhex("000000001000800000aa00389b71")
GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")


@pytest.fixture(params=["with PyAV", "without"])
def decoded(request, monkeypatch):
    """`decode`, for what needs no PyAV: the same with it and without."""

    def decoded(path: Path) -> Sound:
        with monkeypatch.context() as patched:
            if request.param == "without":
                patched.setitem(sys.modules, "av", None)
            return decode(path)

    return decoded


@pytest.fixture
def refused_without_av(monkeypatch):
    """The line that a file is refused with where PyAV is not installed."""

    def refused(path: Path) -> str:
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, "av", None)
            return refusal(path)

    return refused


def encode(path: Path, container: str, codec: str, samples: np.ndarray = NOISE, rate: int = RATE) -> Path:
    """Write mono samples (samples, 1) of 16 bits with FFmpeg."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        names = [form.name for form in stream.codec_context.codec.audio_formats]
        of_16_bits = [name for name in names if name.startswith("s16")]
        stream.codec_context.format = (of_16_bits or names)[0]
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(samples.T, format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        context = stream.codec_context
        resampler = av.AudioResampler(context.format.name, "mono", rate, context.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def by_ffmpeg(path: Path, container: str) -> np.ndarray:
    """What FFmpeg's own decoder gives, (samples, channels)."""
    resampler = av.AudioResampler("flt")
    with av.open(str(path), format=container) as source:
        frames = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
    blocks = [frame.to_ndarray().reshape(-1, frame.layout.nb_channels) for frame in frames]
    return np.concatenate(blocks)


def assert_equal(sound: Sound, expected: np.ndarray, limit: float = 0) -> None:
    """The same length and, within a limit, the same values."""
    assert sound.samples.shape == expected.shape
    assert np.abs(sound.samples - expected).max() <= limit


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as refused:
        decode(path)
    assert str(refused.value).startswith(f"{path}: ")
    return str(refused.value)


def headless_mp3(mode: str) -> bytes:
    """MP3 frames without a Xing header, as encoders write them to a pipe."""
    written = io.BytesIO()
    sound = np.concatenate([NOISE[:, 0] / 2**15, np.zeros(2 * RATE)])
    sf.write(written, sound, RATE, format="MP3", bitrate_mode=mode)
    first = mpeg.parse_frame(written.getvalue()[:4])
    assert first is not None
    return written.getvalue()[first.length :]


def in_wave(stream: bytes, tag: int, promised: int | None = None) -> bytes:
    """A WAV file of a compressed stream."""
    form = struct.pack("<HHIIHHH", tag, 1, RATE, 8000, 1, 0, 0)
    data = struct.pack("<I", len(stream) if promised is None else promised) + stream
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def layer_1(frames: int) -> bytes:
    """Frames of MPEG layer I: random samples of 4 bits in 8 subbands (128 kbps, 32 kHz, mono)."""
    stream = b""
    for _ in range(frames):
        allocation = "0011" * 8 + "0000" * 24
        scale_factors = "".join(f"{factor:06b}" for factor in RNG.integers(20, 40, 8))
        samples = "".join(f"{sample:04b}" for sample in RNG.integers(0, 15, 12 * 8))
        bits = f"{0xFFFF48C0:032b}" + allocation + scale_factors + samples
        stream += int(bits.ljust(192 * 8, "0"), 2).to_bytes(192, "big")
    return stream


class TestMpeg:
    def test_layer_1(self, tmp_path, decoded):
        path = tmp_path / "a.mp1"
        path.write_bytes(layer_1(20))
        sound = decoded(path)
        assert sound.sampling_rate == 32_000
        assert len(sound.samples) == 20 * 384
        assert sound.samples.std() > 0.005
        assert_equal(sound, by_ffmpeg(path, "mp3"), 4 * STEP_OF_16_BITS)

    @pytest.mark.parametrize("rate", [16_000, 44_100])
    def test_layer_2(self, tmp_path, decoded, rate):
        path = encode(tmp_path / "a.mp2", "mp2", "mp2", rate=rate)
        sound = decoded(path)
        assert sound.sampling_rate == rate
        assert_equal(sound, by_ffmpeg(path, "mp3"), 4 * STEP_OF_16_BITS)

    def test_layer_2_cut_short(self, tmp_path):
        path = encode(tmp_path / "a.mp2", "mp2", "mp2")
        path.write_bytes(path.read_bytes()[:-10])
        assert "ends within a frame" in refusal(path)

    @pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
    def test_layer_3_without_xing_header(self, tmp_path, decoded, mode):
        path = tmp_path / "a.mp3"
        path.write_bytes(headless_mp3(mode))
        assert_equal(decoded(path), by_ffmpeg(path, "mp3"), STEP_OF_16_BITS)

    @pytest.mark.parametrize("promised", [None, 0xFFFFFFFF])
    def test_layer_3_in_wave(self, tmp_path, decoded, promised):
        path = tmp_path / "a.wav"
        path.write_bytes(in_wave(headless_mp3("VARIABLE"), 0x55, promised))
        assert_equal(decoded(path), by_ffmpeg(path, "wav"), STEP_OF_16_BITS)

    def test_layer_3_in_wave_cut_short(self, tmp_path):
        path = tmp_path / "a.wav"
        path.write_bytes(in_wave(headless_mp3("VARIABLE"), 0x55)[:-10])
        assert "cut short" in refusal(path)

    def test_two_files_in_one(self, tmp_path, refused_without_av):
        path = tmp_path / "a.mp3"
        sf.write(path, NOISE, RATE)
        length = len(decode(path).samples)
        path.write_bytes(2 * path.read_bytes())
        assert len(decode(path).samples) > 1.9 * length
        assert "more MP3 frames than its header counts" in refused_without_av(path)

    def test_a_file_is_not_said_to_be_missing(self, tmp_path):
        path = tmp_path / "a.mp3"
        sf.write(path, NOISE, RATE)
        first = mpeg.parse_frame(path.read_bytes()[:4])
        assert first is not None
        path.write_bytes(path.read_bytes()[: first.length])
        with pytest.raises(sf.LibsndfileError) as error:
            sf.SoundFile(path)
        assert "does not exist" in error.value.error_string
        assert "finds no sound in it" in refusal(path)


class TestFlacWithoutLength:
    @pytest.fixture
    def flac(self, tmp_path):
        path = tmp_path / "a.flac"
        sf.write(path, NOISE, RATE)
        content = bytearray(path.read_bytes())
        content[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples
        content[22:26] = bytes(4)
        path.write_bytes(content)
        return path

    def test_is_decoded_to_its_end(self, flac, decoded):
        assert_equal(decoded(flac), NOISE / 2**15)
        assert stored_as(flac) == ("FLAC", "PCM_16", "FILE")

    @pytest.mark.parametrize("lost", [1, 100, 5000])
    def test_cut_short(self, flac, lost):
        flac.write_bytes(flac.read_bytes()[:-lost])
        assert "damaged" in refusal(flac)


class TestWave:
    @pytest.mark.parametrize(
        ("codec", "named"),
        [("adpcm_g722", "G.722"), ("g726", "G.726"), ("adpcm_yamaha", "Yamaha ADPCM"), ("flac", "FLAC")],
    )
    def test_encodings_that_only_ffmpeg_knows(self, tmp_path, refused_without_av, codec, named):
        path = encode(tmp_path / "a.wav", "wav", codec, rate=8000 if codec == "g726" else RATE)
        assert_equal(decode(path), by_ffmpeg(path, "wav"))
        line = refused_without_av(path)
        assert f"holds {named} (WAVE format 0x" in line
        assert "cut short" not in line
        path.write_bytes(path.read_bytes()[:-200])
        assert "cut short" in refusal(path)

    def test_w64_with_extensible_header(self, tmp_path, refused_without_av):
        path = tmp_path / "a.w64"
        samples = (NOISE / 2**15).astype("<f4")
        form = (
            struct.pack("<HHIIHHHHIH", 0xFFFE, 1, RATE, 4 * RATE, 4, 32, 22, 32, 4, 3) + SUBFORMAT_BEHIND_TAG
        )
        chunks = [(b"fmt ", form), (b"data", samples.tobytes())]
        body = b"wave" + GUID
        for name, content in chunks:
            body += name + GUID + struct.pack("<Q", 24 + len(content)) + content
        head = bytes.fromhex("726966662e91cf11a5d628db04c10000")
        path.write_bytes(head + struct.pack("<Q", 24 + len(body)) + body)
        assert_equal(decode(path), samples)
        assert "only FFmpeg decodes" in refused_without_av(path)

    @pytest.mark.parametrize("seconds", [0.5, 0.52])
    def test_gsm_has_no_more_than_its_blocks(self, tmp_path, decoded, seconds):
        path = tmp_path / "a.wav"
        sf.write(path, NOISE[: int(8000 * seconds)], 8000, subtype="GSM610")
        assert_equal(decoded(path), by_ffmpeg(path, "wav"))


class TestOgg:
    def test_flac(self, tmp_path, refused_without_av):
        path = encode(tmp_path / "a.ogg", "ogg", "flac")
        assert_equal(decode(path), NOISE / 2**15)
        assert "FLAC in Ogg" in refused_without_av(path)

    def test_speex(self, refused_without_av):
        path = Path(__file__).with_name("tone.spx")  # speexenc of 0.3 s of 440 Hz, 0.4 of full scale
        sound = decode(path)
        assert_equal(sound, by_ffmpeg(path, "ogg"))
        assert sound.sampling_rate == 8000
        spectrum = np.abs(np.fft.rfft(sound.samples[400:2000, 0]))
        assert spectrum.argmax() == pytest.approx(440 * 1600 / 8000, abs=1)
        assert "holds Speex" in refused_without_av(path)


@pytest.mark.parametrize("length", [15_000, 16_000, 57_337])
def test_mp4_that_counts_in_milliseconds_is_not_cut_short(tmp_path, length):
    noise = RNG.integers(-8000, 8000, (length, 1), dtype=np.int16)
    path = encode(tmp_path / "a.mp4", "mp4", "ac3", noise, rate=44_100)
    sound = decode(path)
    assert abs(len(sound.samples) - length) < 3 * 1536


@pytest.mark.parametrize("samples_a_block", [16_000, 3000])
def test_voc(tmp_path, samples_a_block, refused_without_av):
    path = tmp_path / "a.voc"
    values = (NOISE[:, 0] // 256 + 128).astype(np.uint8)
    content = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x0114, 0x111F)
    for start in range(0, len(values), samples_a_block):
        part = values[start : start + samples_a_block].tobytes()
        rate_and_codec = bytes([256 - 1_000_000 // RATE + 1, 0]) if not start else b""
        kind = b"\x02" if start else b"\x01"
        content += kind + (len(rate_and_codec) + len(part)).to_bytes(3, "little") + rate_and_codec + part
    path.write_bytes(content + b"\0")
    expected = (values.astype(np.float32)[:, None] - 128) / 128
    np.testing.assert_array_equal(decode(path).samples, expected)
    if samples_a_block < len(values):
        assert "VOC of several blocks" in refused_without_av(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "cut short" in refusal(path)


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("tta", "tta")])
def test_lossless_containers_of_ffmpeg(tmp_path, container, codec, refused_without_av):
    path = encode(tmp_path / "a.bin", container, codec)
    assert_equal(decode(path), NOISE / 2**15)
    assert "install the extra av" in refused_without_av(path)
