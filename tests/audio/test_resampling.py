"""A recording resampled in pieces is the recording resampled as a whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.audio.decoding import Sound
from kser.audio.loading import waveform_of
from kser.audio.resampling import StreamResampler


@given(
    st.sampled_from([8000, 11025, 16000, 44100, 48000]),
    st.lists(st.integers(0, 3000), min_size=1, max_size=8).filter(lambda lengths: sum(lengths) > 10),
)
def test_pieces_of_any_length_leave_no_trace(rate, lengths):
    samples = np.random.default_rng(0).normal(size=(sum(lengths), 1)).astype(np.float32)
    resampler = StreamResampler(rate, 16000)
    pieces = np.split(samples[:, 0], np.cumsum(lengths)[:-1])
    resampled = np.concatenate([*map(resampler.feed, pieces), resampler.close()])
    np.testing.assert_allclose(resampled, waveform_of("x", Sound(samples, rate), 16000), atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_of_nothing_there_is_nothing(rate):
    assert len(StreamResampler(rate, 16000).close()) == 0
