"""Decoding block by block gives what decoding a file at once gives, and raises what it raises."""

import io

import numpy as np
import pytest
import soundfile as sf

from kser.audio import sndfile_decoding
from kser.audio.decoding import bytes_decoded_in_blocks, decode, decoded_in_blocks
from kser.errors import UserError


def blocks_of(path) -> list[np.ndarray]:
    with decoded_in_blocks(path) as sound:
        return list(sound.blocks)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(sndfile_decoding, "SAMPLES_A_READ", 1000)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_blocks_are_the_file(tmp_path, small_blocks, suffix):
    path = tmp_path / f"x.{suffix}"
    sf.write(path, 0.1 * np.random.default_rng(0).normal(size=(5000, 2)), 16000)
    blocks = blocks_of(path)
    assert len(blocks) >= 10 and all(0 < len(block) <= 500 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), decode(path).samples)


def test_blocks_of_other_containers_are_the_file(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "x.m4a"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        tone = np.sin(np.arange(32000) * 0.2).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with decoded_in_blocks(path) as sound:
        assert sound.sampling_rate == 16000
        blocks = list(sound.blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), decode(path).samples)
    np.testing.assert_allclose(len(decode(path).samples), 32000, atol=1100)


def test_a_part_of_a_file_is_that_part(tmp_path):
    sf.write(tmp_path / "x.wav", np.arange(1000) / 1000, 1000)
    (block,) = blocks_of(f"{tmp_path / 'x.wav'}#t=0.25,0.5")
    assert len(block) == 250


def test_what_is_wrong_at_the_end_is_told_at_the_end(tmp_path, small_blocks):
    samples = np.ones(5000, np.float32)
    samples[4999] = np.nan
    sf.write(tmp_path / "x.wav", samples, 16000, subtype="FLOAT")
    with decoded_in_blocks(tmp_path / "x.wav") as sound:
        assert len(next(sound.blocks)) == 1000
        with pytest.raises(UserError, match="NaN or infinite"):
            list(sound.blocks)


def test_bytes_are_decoded_in_blocks(small_blocks):
    content = io.BytesIO()
    sf.write(content, np.arange(5000) / 5000, 16000, format="WAV")
    with bytes_decoded_in_blocks(content.getvalue(), "upload") as sound:
        assert sum(len(block) for block in sound.blocks) == 5000
