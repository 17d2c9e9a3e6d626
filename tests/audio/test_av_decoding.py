"""What libsndfile does not read, through PyAV: exact where the encoding is, and a clear line without it."""

import sys

import numpy as np
import pytest

from kser.audio.decoding import decode
from kser.audio.loading import load_audio
from kser.errors import UserError, install_extra

av = pytest.importorskip("av")

RATE = 16_000
SAMPLES = np.random.default_rng(0).integers(-20_000, 20_000, (RATE, 2), dtype=np.int16)
SINE = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)[:, None].repeat(2, axis=1)

LOSSLESS = [
    ("a.m4a", "ipod", "alac"),
    ("a.mov", "mov", "pcm_s16le"),
    ("a.mov", "mov", "pcm_s16be"),
    ("a.mov", "mov", "pcm_s24le"),
    ("a.avi", "avi", "pcm_s16le"),
    ("a.mkv", "matroska", "flac"),
    ("a.mkv", "matroska", "pcm_f32le"),
    ("a.mka", "matroska", "pcm_u8"),
]
LOSSY = [
    ("a.m4a", "ipod", "aac"),
    ("a.mp4", "mp4", "aac"),
    ("a.3gp", "3gp", "aac"),
    ("a.aac", "adts", "aac"),
    ("a.flv", "flv", "aac"),
    ("a.ts", "mpegts", "aac"),
    ("a.wma", "asf", "wmav2"),
    ("a.mkv", "matroska", "aac"),
]


def encode(path, container_name, codec, samples):
    """Write stereo samples (samples, 2) of 16 bits."""
    with av.open(str(path), "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=RATE, layout="stereo")
        if codec == "wmav2":
            stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, 0
        stream.codec_context.open()
        resampler = av.AudioResampler(
            stream.codec_context.format.name, "stereo", RATE, stream.codec_context.frame_size or None
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(("name", "container", "codec"), LOSSLESS)
def test_lossless_encodings(tmp_path, name, container, codec):
    samples = SAMPLES if codec != "pcm_u8" else SAMPLES // 256 * 256
    encode(tmp_path / name, container, codec, samples)
    sound = decode(tmp_path / name)
    assert sound.sampling_rate == RATE
    np.testing.assert_array_equal(sound.samples, samples / np.float32(2**15))


@pytest.mark.parametrize(("name", "container", "codec"), LOSSY)
def test_lossy_encodings(tmp_path, name, container, codec):
    encode(tmp_path / name, container, codec, SINE)
    loaded = load_audio(tmp_path / name, RATE)
    if container in ("ipod", "mp4", "3gp"):  # they tell the encoder's delay
        assert len(loaded) == RATE
        np.testing.assert_allclose(loaded[2000:14_000], SINE[2000:14_000, 0] / 2**15, atol=0.02)
    else:
        assert abs(len(loaded) - RATE) < 5000


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [*LOSSLESS, *(row for row in LOSSY if row[0] not in ("a.ts", "a.aac", "a.wma"))],
)
@pytest.mark.parametrize("kept", [0.4, 0.95])
def test_cut_short(tmp_path, name, container, codec, kept):
    encode(tmp_path / name, container, codec, SAMPLES)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UserError, match=r"cut short|damaged"):
        load_audio(tmp_path / name, RATE)


def test_wrong_suffix(tmp_path):
    encode(tmp_path / "a.mov", "mov", "pcm_s16le", SAMPLES)
    (tmp_path / "a.mov").rename(tmp_path / "a.wav")
    np.testing.assert_array_equal(decode(tmp_path / "a.wav").samples, SAMPLES / np.float32(2**15))


def test_film_without_sound(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    with pytest.raises(UserError, match="has no sound in it"):
        load_audio(tmp_path / "a.mkv", RATE)


def test_playlists_open_no_other_file(tmp_path):
    encode(tmp_path / "a.aac", "adts", "aac", SINE)
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXTINF:1,\na.aac\n#EXT-X-ENDLIST\n")
    (tmp_path / "a.ffconcat").write_text("ffconcat version 1.0\nfile a.aac\n")
    for name in ("a.m3u8", "a.ffconcat"):
        with pytest.raises(UserError, match="no format known here"):
            load_audio(tmp_path / name, RATE)


def test_without_the_package(tmp_path, monkeypatch):
    encode(tmp_path / "a.m4a", "ipod", "alac", SAMPLES)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError) as refused:
        load_audio(tmp_path / "a.m4a", RATE)
    assert install_extra("av") in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path / 'a.m4a'}: ")
