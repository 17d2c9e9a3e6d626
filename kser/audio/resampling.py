"""Resampling a recording that comes piece by piece, as `kser.audio.loading` resamples the whole."""

from collections.abc import Iterator

import numpy as np
import soxr

from kser.audio.decoding import Sound, SoundInBlocks
from kser.audio.loading import mixed_down, resampled_length


class StreamResampler:
    """Resamples a waveform in pieces, whatever their lengths, without a trace of where they were cut.

    What it gives lags a few milliseconds behind what it takes, until the end.

    Args:
        rate: Hz of what it takes.
        sampling_rate: Hz of what it gives.
    """

    def __init__(self, rate: int, sampling_rate: int):
        self.rate = rate
        self.sampling_rate = sampling_rate
        self._taken = self._given = 0
        self._stream = (
            None if rate == sampling_rate else soxr.ResampleStream(rate, sampling_rate, 1, quality="HQ")
        )

    def feed(self, samples: np.ndarray) -> np.ndarray:
        """Take the next samples, float32 (samples,), and give those that they decide."""
        self._taken += len(samples)
        resampled = samples if self._stream is None else self._stream.resample_chunk(samples)
        self._given += len(resampled)
        return resampled

    def close(self) -> np.ndarray:
        """The samples that are left, so that in all there are `resampled_length` of them."""
        left = resampled_length(self._taken, self.rate, self.sampling_rate) - self._given
        if self._stream is None or not self._taken:
            return np.zeros(0, np.float32)
        rest = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)[:left]
        return np.pad(rest, (0, left - len(rest)))


def waveform_in_blocks(sound: SoundInBlocks, sampling_rate: int) -> Iterator[np.ndarray]:
    """The waveform of a recording, see `kser.audio.loading.load_audio`, in blocks float32 (samples,)."""
    resampler = StreamResampler(sound.sampling_rate, sampling_rate)
    for block in sound.blocks:
        yield resampler.feed(mixed_down(Sound(block, sound.sampling_rate)))
    yield resampler.close()
