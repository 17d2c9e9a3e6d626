"""Where somebody speaks in a recording, by the energy of its frames.

A gate in bands of frequency whose thresholds follow the noise of the surroundings: it needs no model, and
takes for voice whatever is louder than that noise in one of them and lasts, music too. Where louder noise
sets in it follows within 15 s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FRAME_S = 0.01
# Voiced sounds are in the lower bands, fricatives in the higher ones.
_BAND_EDGES_HZ = (100, 500, 1000, 2000, 4000, 7500)
_SMOOTHED_FRAMES = 5
_LOWEST_POWER = 1e-9
_FRAMES_AT_ONCE = 1 << 14
# Noise and loudness are measured for each second, of what surrounds it.
_MEASURED_EVERY, _MEASURED_WITHIN = round(1.0 / FRAME_S), round(15.0 / FRAME_S)
_NOISE_PERCENTILE, _LOUDNESS_PERCENTILE = 10, 95
# Voice begins so far above the noise of a band, and no farther below the loudest; it goes on until it is
# softer yet.
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


class BandPowers:
    """Collects the powers of the frames of a waveform that comes in pieces, in bands of frequency.

    Frames of 20 ms begin every 10 ms.

    Args:
        sampling_rate: Hz of the waveform.

    Attributes:
        hop: samples from one frame to the next.
    """

    def __init__(self, sampling_rate: int):
        self.hop = max(1, round(FRAME_S * sampling_rate))
        self._window = np.hanning(2 * self.hop + 1)[:-1].astype(np.float32)
        edges = [edge for edge in _BAND_EDGES_HZ if edge <= sampling_rate / 2]
        self._bins = np.round(np.array(edges) * len(self._window) / sampling_rate).astype(int)
        self._rest = np.zeros(0, np.float32)
        self._powers: list[np.ndarray] = []

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples, float32 (samples,)."""
        samples = np.concatenate([self._rest, samples])
        frames = max(0, len(samples) // self.hop - 1)
        for start in range(0, frames, _FRAMES_AT_ONCE):
            count = min(_FRAMES_AT_ONCE, frames - start)
            part = samples[start * self.hop : (start + count + 1) * self.hop].reshape(-1, self.hop)
            self._powers.append(self._of(np.concatenate([part[:-1], part[1:]], axis=1)))
        self._rest = samples[frames * self.hop :]

    def _of(self, frames: np.ndarray) -> np.ndarray:
        first, last = self._bins[[0, -1]]
        spectrum = np.fft.rfft(frames * self._window, axis=1)[:, first:last]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        scale = len(self._window) * np.square(self._window).sum() / 2
        return (np.add.reduceat(power, self._bins[:-1] - first, axis=1) / scale).astype(np.float32)

    @property
    def powers(self) -> np.ndarray:
        """Mean square of each frame that is whole, float32 (frames, bands)."""
        return np.concatenate([np.zeros((0, len(self._bins) - 1), np.float32), *self._powers])


def voice_spans(powers: np.ndarray, settings: VoiceSettings | None = None) -> list[tuple[int, int]]:
    """The stretches of voice in a recording.

    Args:
        powers: of its frames, see `BandPowers`.
        settings: what counts as one; `None` for the defaults.

    Returns:
        Of each its first frame and the one after its last, in order; they do not overlap.
    """
    settings = settings or VoiceSettings()
    if not len(powers):
        return []
    smooth = _smoothed(powers)
    clearance = np.concatenate(list(_clearances(smooth)))
    spans = [
        (start, end) for start, end in _runs(clearance > -_HYSTERESIS_DB) if (clearance[start:end] > 0).any()
    ]
    spans = _joined(spans, _frames(settings.min_silence_s))
    spans = [(start, end) for start, end in spans if end - start >= _frames(settings.min_speech_s)]
    spans = _widened(spans, _frames(settings.hangover_s), len(powers))
    longest = len(powers) if settings.longest_s == np.inf else max(1, int(settings.longest_s / FRAME_S))
    loudness = smooth.sum(axis=1)
    return [part for span in spans for part in _cut(loudness, span, longest)]


def _frames(seconds: float) -> int:
    return round(seconds / FRAME_S)


def _smoothed(powers: np.ndarray) -> np.ndarray:
    """Means of neighbouring frames, float32 (frames, bands)."""
    kernel = np.full(_SMOOTHED_FRAMES, 1 / _SMOOTHED_FRAMES, np.float32)
    padded = np.pad(powers, ((_SMOOTHED_FRAMES // 2, _SMOOTHED_FRAMES // 2), (0, 0)), "edge")
    return np.stack([np.convolve(band, kernel, "valid") for band in padded.T], axis=1)


def _clearances(powers: np.ndarray) -> Iterator[np.ndarray]:
    """By how many dB frames are above the threshold of voice (frames,), for each second."""
    for start in range(0, len(powers), _MEASURED_EVERY):
        around = powers[max(0, start - _MEASURED_WITHIN) : start + _MEASURED_EVERY + _MEASURED_WITHIN]
        noise_db = _in_db(np.percentile(around, _NOISE_PERCENTILE, axis=0))
        loudest_db = _in_db(np.percentile(around.sum(axis=1), _LOUDNESS_PERCENTILE))
        ours = powers[start : start + _MEASURED_EVERY]
        above_noise_db = (_in_db(ours) - noise_db).max(axis=1) - _ABOVE_NOISE_DB
        softest_db = max(float(loudest_db) - _BELOW_LOUDEST_DB, _SOFTEST_VOICE_DB)
        yield np.minimum(above_noise_db, _in_db(ours.sum(axis=1)) - softest_db)


def _in_db(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, _LOWEST_POWER))


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


def _cut(loudness: np.ndarray, span: tuple[int, int], longest: int) -> list[tuple[int, int]]:
    """Parts of a span, none longer than so many frames, cut where it is softest in its middle half."""
    start, end = span
    length = end - start
    if length <= longest:
        return [span]
    first, last = start + max(1, length // 4), end - max(1, length // 4)
    softest = first + int(loudness[first : last + 1].argmin())
    return [*_cut(loudness, (start, softest), longest), *_cut(loudness, (softest, end), longest)]
