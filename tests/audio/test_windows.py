"""Laws of the windows of a recording."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kser.audio.windows import windows_of, windows_within


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int]:
    window = draw(st.integers(1, 50))
    return draw(st.integers(0, 300)), window, draw(st.integers(1, window))


@given(windows())
def test_windows_cover_the_recording_and_have_one_length(drawn):
    samples, window, hop = drawn
    found = windows_of(samples, window, hop)
    assert {sample for start, end in found for sample in range(start, end)} == set(range(samples))
    assert {end - start for start, end in found} <= {min(window, samples)}
    starts = [start for start, _ in found]
    assert starts == sorted(set(starts)) and all(after - before <= hop for before, after in pairwise(starts))


@given(windows(), st.integers(0, 100))
def test_windows_that_are_settled_stay(drawn, more):
    samples, window, hop = drawn
    settled = [(start, start + window) for start in windows_within(samples, window, hop)]
    assert windows_of(samples + more, window, hop)[: len(settled)] == settled
