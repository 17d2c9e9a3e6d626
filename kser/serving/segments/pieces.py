"""The pieces of a waveform that comes block by block; of the waveform no more is kept than they need."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kser.audio.windows import windows_of, windows_within
from kser.serving.segments.waveform_buffer import WaveformBuffer


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a recording.

    Attributes:
        start: its first sample.
        samples: float32 (samples,), channels averaged, at the predictor's rate.
    """

    start: int
    samples: np.ndarray


class WindowCutter:
    """Cuts a waveform in windows, each as soon as it is whole.

    Args:
        window, hop: samples, see `kser.audio.windows.windows_of`.
    """

    def __init__(self, window: int, hop: int):
        self._window, self._hop = window, hop
        self._buffer = WaveformBuffer()
        self._cut = 0

    def feed(self, samples: np.ndarray) -> list[Piece]:
        """Take the next samples, float32 (samples,); the windows that are whole now and were not before."""
        self._buffer.add(samples)
        starts = windows_within(self._buffer.end, self._window, self._hop)[self._cut :]
        pieces = self._pieces((start, start + self._window) for start in starts)
        # The last window of all may begin anywhere in what would be another one.
        self._buffer.forget(self._buffer.end - self._window)
        return pieces

    def close(self) -> list[Piece]:
        """The windows that are left at the end."""
        return self._pieces(windows_of(self._buffer.end, self._window, self._hop)[self._cut :])

    def _pieces(self, spans: Iterable[tuple[int, int]]) -> list[Piece]:
        pieces = [Piece(start, self._buffer.between(start, end)) for start, end in spans]
        self._cut += len(pieces)
        return pieces


def windows_in(blocks: Iterable[np.ndarray], window: int, hop: int) -> Iterator[Piece]:
    """The windows of a waveform.

    Args:
        blocks: of the waveform, float32 (samples,).
        window, hop: see `WindowCutter`.
    """
    cutter = WindowCutter(window, hop)
    for block in blocks:
        yield from cutter.feed(block)
    yield from cutter.close()


def spans_in(blocks: Iterable[np.ndarray], spans: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """Parts of a waveform that are known beforehand.

    Args:
        blocks: of the waveform, float32 (samples,).
        spans: of each its first sample and the one after its last; in order, within the waveform.
    """
    buffer = WaveformBuffer()
    waiting = list(reversed(spans))
    for block in blocks:
        buffer.add(block)
        while waiting and waiting[-1][1] <= buffer.end:
            start, end = waiting.pop()
            yield Piece(start, buffer.between(start, end))
        buffer.forget(waiting[-1][0] if waiting else buffer.end)
