"""The cycles of the voice, one by one: how long each is, and how strong."""

from dataclasses import dataclass

import numpy as np

from kser.representations.expert_features.functionals.frames import HOP
from kser.representations.expert_features.functionals.voicing import Voicing

# A cycle is looked for where it is up to a fifth shorter or longer than pitch says; less alike is no cycle.
_BESIDE = 0.2
_LEAST_CORRELATION = 0.3
# Frames beside a stretch that its outermost cycles may reach into.
_MARGIN = 4


@dataclass(frozen=True)
class Cycles:
    """Consecutive cycles of a voiced stretch.

    Attributes:
        periods: samples from each to the next; (cycles,).
        amplitudes: the root mean square around each; (cycles,).
    """

    periods: np.ndarray
    amplitudes: np.ndarray


def cycles_of(waveform: np.ndarray, voicing: Voicing) -> list[Cycles]:
    """The cycles of each voiced stretch.

    Found as Praat finds them (Boersma and Weenink, "To PointProcess (cc)"): from the highest peak of a
    stretch in both directions, each where the waveform is most like that around the one before.

    Args:
        waveform: float (samples,).
        voicing: of its frames.
    """
    found = []
    for start, end in voicing.segments:
        low, high = max(0, start - _MARGIN) * HOP, min(len(waveform), (end + _MARGIN) * HOP)
        samples = waveform[low:high].astype(np.float64)
        places = np.arange(start, end) * HOP - low
        periods = np.interp(np.arange(len(samples)), places, voicing.period[start:end])
        first, last = max(0, int(places[0]) - HOP // 2), min(len(samples), int(places[-1]) + HOP)
        marks = _marks(samples, periods, first, last)
        if len(marks) > 2:
            found.append(_cycles(samples, marks))
    return found


def _cycles(samples: np.ndarray, marks: np.ndarray) -> Cycles:
    # From half a period before a mark to half a period behind: what the glottis struck is whole.
    edges = (marks[1:] + marks[:-1]) / 2
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    powers = np.diff(np.interp(edges, np.arange(len(energy)), energy)) / np.diff(edges)
    return Cycles(np.diff(marks)[1:], np.sqrt(np.maximum(powers, 0)))


def _marks(samples: np.ndarray, periods: np.ndarray, start: int, end: int) -> np.ndarray:
    """Where the cycles of a stretch begin, ascending, in samples with fractions."""
    if end <= start:
        return np.empty(0)
    first = start + int(np.abs(samples[start:end]).argmax())
    after = _onward(samples, periods, first, end)
    last = len(samples) - 1
    before = _onward(samples[::-1], periods[::-1], last - first, last - start)
    return np.array([*(last - mark for mark in reversed(before)), float(first), *after])


def _onward(samples: np.ndarray, periods: np.ndarray, first: int, end: int) -> list[float]:
    marks: list[float] = []
    mark = float(first)
    while True:
        middle = round(mark)
        period = periods[min(middle, len(periods) - 1)]
        half = int(period / 2) + 1
        shortest, longest = int(period * (1 - _BESIDE)), int(period * (1 + _BESIDE)) + 1
        if middle - half < 0 or middle + half + longest + 1 > len(samples):
            return marks
        here = samples[middle - half : middle + half]
        ahead = samples[middle - half + shortest : middle + half + longest]
        lag = _most_alike(here, ahead)
        if lag is None or mark + shortest + lag > end:
            return marks
        mark += shortest + lag
        marks.append(mark)


def _most_alike(here: np.ndarray, ahead: np.ndarray) -> float | None:
    """How far into `ahead` a piece most like `here` begins, with a fraction; `None` where nothing is."""
    pieces = np.lib.stride_tricks.sliding_window_view(ahead, len(here))
    lengths = np.sqrt((here @ here) * np.einsum("ij,ij->i", pieces, pieces))
    alike = np.divide(pieces @ here, lengths, out=np.zeros(len(pieces)), where=lengths > 0)
    best = int(alike.argmax())
    if alike[best] < _LEAST_CORRELATION:
        return None
    if not 0 < best < len(alike) - 1:
        return float(best)
    before, at, after = alike[best - 1 : best + 2]
    return best + float((before - after) / 2 / (before - 2 * at + after))
