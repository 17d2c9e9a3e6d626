"""What is wrong with a recording that decodes without error: silence, clipping, a wrong scale, …"""

from dataclasses import dataclass

import numpy as np

from kser.audio.decoding import Sound

NEARLY_SILENT_DBFS = -60.0
"""Peak below which a recording is nearly silent."""
# Integers that were stored as float without being divided reach thousands; a hot master reaches 2 or 3.
_HIGHEST_PEAK = 16.0
# What is left of both channels in their mean: a millionth of the power is rounding, a hundredth too little.
_CANCELLED_DB, _NEARLY_CANCELLED_DB = -60.0, -20.0
# Equal samples in a row at the highest level: a wave's crest has some, but few crests are of one height.
_CLIPPED_RUN = 2
_CLIPPED_SHARE = 0.001
_LOWEST_CLIPPING = 0.1
# The mean of a few milliseconds is hardly ever 0.
_OFFSET, _TIMES_CHANCE = 0.02, 5


@dataclass(frozen=True)
class Fault:
    """What is wrong with a recording.

    Attributes:
        kind: its name, as reports count it.
        words: what it is, to stand behind the name of the file.
        unusable: whether the recording says nothing, or something else than was recorded: `on_bad_audio` says
            what becomes of it.
    """

    kind: str
    words: str
    unusable: bool = False


def sound_faults(sound: Sound) -> tuple[Fault, ...]:
    """What is wrong with a recording that decodes without error; nothing with most.

    Args:
        sound: as decoded, before channels are averaged.
    """
    return (*header_faults(*sound.unannounced), *_faults_of_samples(sound.samples))


def header_faults(announced: int, following: int) -> tuple[Fault, ...]:
    """What is wrong with a header that leaves a part of the recording out, the larger part even.

    Args:
        announced, following: `Sound.unannounced`.
    """
    if not following:
        return ()
    words = (
        f"its header announces {announced} bytes of sound, but {following} more follow; write the file "
        "anew, with `ffmpeg -ignore_length 1` say"
    )
    return (Fault("header", words, following > announced),)


def _faults_of_samples(samples: np.ndarray) -> tuple[Fault, ...]:
    channels = _by_channel(samples)
    highest, lowest = channels.max(axis=1), channels.min(axis=1)
    peaks = np.maximum(np.abs(highest), np.abs(lowest))
    if (highest == lowest).all():
        value = float(samples[0, 0])
        same = f"every sample is {value:g}" if value else "every sample is 0"
        return (Fault("silent", f"is silent: {same}; leave the file out or obtain it again", True),)
    peak = float(peaks.max())
    if peak > _HIGHEST_PEAK:
        words = (
            f"reaches {peak:g} times full scale, as integers stored as float do; divide its samples by "
            f"{_scale(peak)} and write it anew"
        )
        return (Fault("not scaled", words, True),)
    offset = channels.mean(axis=1, dtype=np.float64)
    moving = float(np.maximum(highest - offset, offset - lowest).max())
    if moving < 10 ** (NEARLY_SILENT_DBFS / 20):
        words = f"is nearly silent: its peak is at {20 * np.log10(moving):.0f} dB of full scale"
        return (Fault("nearly silent", words),)
    return (*_cancelled(samples), *_clipped(samples, peaks), *_offset(samples, offset))


def _by_channel(samples: np.ndarray) -> np.ndarray:
    """Samples (channels, samples), in the order of memory: over pairs NumPy reduces ten times as slowly."""
    return np.ascontiguousarray(samples.T)


def _scale(peak: float) -> int:
    """The full scale of the integers that a peak comes from."""
    return next(1 << bits for bits in (7, 15, 23, 31, 63) if peak <= 1 << bits or bits == 63)


class Cancellation:
    """Finds a channel that is the inverse of another: the mean that models get has little of either."""

    def __init__(self) -> None:
        self._of_channels = np.zeros(1)
        self._of_mean = 0.0

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples of a recording, float (samples, channels)."""
        channels = _by_channel(samples)
        self._of_channels = self._of_channels + np.square(channels, dtype=np.float64).sum(axis=1)
        self._of_mean += float(np.square(channels.mean(axis=0, dtype=np.float64)).sum())

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with all of them."""
        of_channels = float(self._of_channels.max())
        if not of_channels or len(self._of_channels) == 1:
            return ()
        left_db = 10 * np.log10(max(self._of_mean / of_channels, 1e-30))
        if left_db > _NEARLY_CANCELLED_DB:
            return ()
        cure = "invert one of them, or keep one, and write the file anew"
        if left_db < _CANCELLED_DB:
            return (
                Fault("cancelled", f"its channels cancel each other: their mean is silent; {cure}", True),
            )
        words = f"its channels nearly cancel each other: {-left_db:.0f} dB are lost in their mean; {cure}"
        return (Fault("nearly cancelled", words),)


def _cancelled(samples: np.ndarray) -> tuple[Fault, ...]:
    if samples.shape[1] == 1:
        return ()
    cancellation = Cancellation()
    cancellation.add(samples)
    return cancellation.faults()


def _clipped(samples: np.ndarray, peaks: np.ndarray) -> tuple[Fault, ...]:
    channel = int(peaks.argmax())
    if peaks[channel] < _LOWEST_CLIPPING:
        return ()
    ours = samples[:, channel]
    share = _in_plateaus(ours == ours.max()) + _in_plateaus(ours == ours.min())
    if share < _CLIPPED_SHARE:
        return ()
    return (Fault("clipped", f"is clipped: {share:.1%} of its samples stand at its highest level"),)


def _in_plateaus(at_limit: np.ndarray) -> float:
    """Share of samples that are in runs of at least `_CLIPPED_RUN`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], at_limit, [False]]).astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= _CLIPPED_RUN].sum()) / len(at_limit)


def _offset(samples: np.ndarray, offset: np.ndarray) -> tuple[Fault, ...]:
    channel = int(np.abs(offset).argmax())
    largest, by_chance = float(offset[channel]), float(samples[:, channel].std()) / len(samples) ** 0.5
    if abs(largest) < max(_OFFSET, _TIMES_CHANCE * by_chance):
        return ()
    return (Fault("offset", f"has an offset (DC): its mean is {largest:+.1%} of full scale"),)
