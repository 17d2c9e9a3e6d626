"""The part of a waveform that is still needed."""

import numpy as np


class WaveformBuffer:
    """A waveform that grows at its end, and whose beginning can be forgotten.

    Attributes:
        end: samples that were added.
    """

    def __init__(self) -> None:
        self._kept = np.zeros(0, np.float32)
        self.end = 0

    def add(self, samples: np.ndarray) -> None:
        """Add samples, float32 (samples,), at the end."""
        self._kept = np.concatenate([self._kept, samples])
        self.end += len(samples)

    def forget(self, before: int) -> None:
        """Forget the samples before one; those that are forgotten stay so."""
        first = self.end - len(self._kept)
        if before > first:
            self._kept = self._kept[before - first :].copy()

    def between(self, start: int, end: int) -> np.ndarray:
        """The samples from one to before another, which must be there and not forgotten."""
        first = self.end - len(self._kept)
        if not first <= start <= end <= self.end:
            raise IndexError(f"samples {start} to {end} are not within {first} to {self.end}")
        return self._kept[start - first : end - first].copy()
