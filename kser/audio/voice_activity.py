"""Where somebody speaks in a recording, by the energy of its frames.

A gate whose threshold follows the noise of the surroundings: it needs no model, and takes for voice whatever
is louder than that noise and lasts, music too. Where louder noise sets in it follows within 15 s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FRAME_S = 0.01
_LOWEST_DB = -90.0
_SMOOTHED_FRAMES = 5
# Noise and loudness are measured for each second, of what surrounds it.
_MEASURED_EVERY, _MEASURED_WITHIN = round(1.0 / FRAME_S), round(15.0 / FRAME_S)
_NOISE_PERCENTILE, _LOUDNESS_PERCENTILE = 10, 95
# Voice begins so far above the noise, and no farther below the loudest; it goes on until it is softer yet.
_ABOVE_NOISE_DB, _BELOW_LOUDEST_DB = 6.0, 33.0
_HYSTERESIS_DB = 3.0
_SOFTEST_VOICE_DB = -60.0


@dataclass(frozen=True)
class VoiceSettings:
    """What counts as a stretch of voice.

    Args:
        min_speech_s: shorter stretches are none.
        min_silence_s: shorter pauses belong to the stretch around them.
        hangover_s: by so much a stretch begins earlier and ends later than its energy says, at most up to the
            middle of a pause.
        longest_s: longer stretches are cut where they are softest.
    """

    min_speech_s: float = 0.2
    min_silence_s: float = 0.3
    hangover_s: float = 0.03
    longest_s: float = np.inf


class FrameLevels:
    """Collects the levels of the frames of a waveform that comes in pieces.

    Args:
        sampling_rate: Hz of the waveform.
    """

    def __init__(self, sampling_rate: int):
        self.frame = max(1, round(FRAME_S * sampling_rate))
        self._rest = np.zeros(0, np.float32)
        self._levels: list[np.ndarray] = []

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples, float32 (samples,)."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self.frame * self.frame
        # The variance, not the power: an offset and the lowest hum are no voice.
        variance = samples[:whole].reshape(-1, self.frame).var(axis=1, dtype=np.float64)
        self._levels.append(10 * np.log10(np.maximum(variance, 10 ** (_LOWEST_DB / 10))))
        self._rest = samples[whole:]

    @property
    def levels(self) -> np.ndarray:
        """Of each frame of 10 ms that is whole, dB of full scale, −90 at least; float64 (frames,)."""
        return np.concatenate([np.zeros(0), *self._levels])


def voice_spans(levels: np.ndarray, settings: VoiceSettings | None = None) -> list[tuple[int, int]]:
    """The stretches of voice in a recording.

    Args:
        levels: of its frames, see `FrameLevels`.
        settings: what counts as one; `None` for the defaults.

    Returns:
        Of each its first frame and the one after its last, in order; they do not overlap.
    """
    settings = settings or VoiceSettings()
    if not len(levels):
        return []
    smooth = np.convolve(np.pad(levels, _SMOOTHED_FRAMES // 2, "edge"), _KERNEL, "valid")
    threshold = _thresholds(smooth)
    spans = [
        (start, end)
        for start, end in _runs(smooth > threshold - _HYSTERESIS_DB)
        if (smooth[start:end] > threshold[start:end]).any()
    ]
    spans = _joined(spans, _frames(settings.min_silence_s))
    spans = [(start, end) for start, end in spans if end - start >= _frames(settings.min_speech_s)]
    spans = _widened(spans, _frames(settings.hangover_s), len(levels))
    longest = len(levels) if settings.longest_s == np.inf else max(1, int(settings.longest_s / FRAME_S))
    return [part for span in spans for part in _cut(smooth, span, longest)]


_KERNEL = np.full(_SMOOTHED_FRAMES, 1 / _SMOOTHED_FRAMES)


def _frames(seconds: float) -> int:
    return round(seconds / FRAME_S)


def _thresholds(levels: np.ndarray) -> np.ndarray:
    """Level above which a frame is voice (frames,)."""
    found = []
    for start in range(0, len(levels), _MEASURED_EVERY):
        around = levels[max(0, start - _MEASURED_WITHIN) : start + _MEASURED_EVERY + _MEASURED_WITHIN]
        noise, loudest = np.percentile(around, [_NOISE_PERCENTILE, _LOUDNESS_PERCENTILE])
        found.append(max(noise + _ABOVE_NOISE_DB, loudest - _BELOW_LOUDEST_DB, _SOFTEST_VOICE_DB))
    return np.repeat(found, _MEASURED_EVERY)[: len(levels)]


def _runs(is_voice: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_voice, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _joined(spans: Sequence[tuple[int, int]], shortest_pause: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < shortest_pause:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _widened(spans: Sequence[tuple[int, int]], by: int, frames: int) -> list[tuple[int, int]]:
    """The spans with so many frames more at both ends, where there are; a pause is shared in the middle."""
    if not spans:
        return []
    middles = [(end + start) // 2 for (_, end), (start, _) in pairwise(spans)]
    return [
        (max(first, start - by), min(last, end + by))
        for (start, end), first, last in zip(spans, [0, *middles], [*middles, frames], strict=True)
    ]


def _cut(levels: np.ndarray, span: tuple[int, int], longest: int) -> list[tuple[int, int]]:
    """Parts of a span, none longer than so many frames, cut where it is softest in its middle half."""
    start, end = span
    length = end - start
    if length <= longest:
        return [span]
    first, last = start + max(1, length // 4), end - max(1, length // 4)
    softest = first + int(levels[first : last + 1].argmin())
    return [*_cut(levels, (start, softest), longest), *_cut(levels, (softest, end), longest)]
