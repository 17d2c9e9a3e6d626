"""Laws of the pieces of a waveform that comes block by block."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.audio.windows import windows_of
from kser.serving.segments.pieces import spans_in, windows_in
from kser.serving.segments.waveform_buffer import WaveformBuffer

blocks_of_noise = st.lists(st.integers(0, 60), max_size=8).map(
    lambda lengths: [np.random.default_rng(number).normal(size=n) for number, n in enumerate(lengths)]
)


def joined(blocks) -> np.ndarray:
    return np.concatenate([np.zeros(0), *blocks])


@given(blocks_of_noise, st.integers(1, 40), st.data())
def test_windows_are_those_of_the_whole(blocks, window, data):
    hop = data.draw(st.integers(1, window))
    pieces = list(windows_in(blocks, window, hop))
    waveform = joined(blocks)
    spans = windows_of(len(waveform), window, hop)
    assert [(piece.start, piece.start + len(piece.samples)) for piece in pieces] == spans
    for piece, (start, end) in zip(pieces, spans, strict=True):
        np.testing.assert_allclose(piece.samples, waveform[start:end], rtol=1e-6)


@given(blocks_of_noise, st.lists(st.integers(0, 60), max_size=10, unique=True))
def test_spans_are_those_of_the_whole(blocks, edges):
    waveform = joined(blocks)
    edges = sorted(edge for edge in edges if edge <= len(waveform))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    pieces = list(spans_in(blocks, spans))
    assert [piece.start for piece in pieces] == [start for start, _ in spans]
    for piece, (start, end) in zip(pieces, spans, strict=True):
        np.testing.assert_allclose(piece.samples, waveform[start:end], rtol=1e-6)


def test_no_more_is_kept_than_is_needed():
    """A hundred blocks of 4 MB, of which at most a few are in memory."""
    block = np.zeros(1 << 20, np.float32)
    tracemalloc.start()
    try:
        assert sum(1 for _ in windows_in((block for _ in range(100)), 64_000, 32_000)) == 3276
        spans = [(number << 20, (number << 20) + 1000) for number in range(0, 100, 30)]
        assert len(list(spans_in((block for _ in range(100)), spans))) == 4
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()


def test_what_is_forgotten_cannot_be_asked_for():
    buffer = WaveformBuffer()
    buffer.add(np.arange(10, dtype=np.float32))
    buffer.forget(4)
    assert buffer.between(4, 6).tolist() == [4, 5]
    with pytest.raises(IndexError, match="3 to 6 are not within 4 to 10"):
        buffer.between(3, 6)
