"""From an audio file to the waveform that a model expects, and whether that will work for all of them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kser.audio.loading import load_audio
from kser.errors import UserError
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.waveform_format import WaveformFormat

Progress = Callable[[Iterable[int | UserError], int], Iterable[int | UserError]]
"""Wraps an iterable of so many items to show how far it is, as `rich.progress.track` does."""


@dataclass(frozen=True)
class WaveformReader:
    """Reads recordings as a model expects them, from the cache where it has them.

    Attributes:
        format: what the model expects.
        cache: decoded audio, or `None` to decode each time.
    """

    format: WaveformFormat
    cache: AudioCache | None = None

    def __call__(self, path: str) -> np.ndarray:
        """The waveform, float32 (samples,), resampled and processed, not yet normalised.

        Raises:
            UserError: the file cannot be read, see `kser.audio.loading.load_audio`.
        """
        if self.cache is None:
            return self._decode(path)
        waveform = self.cache.get(path, self.format)
        if waveform is None:
            waveform = self._decode(path)
            self.cache.put(path, self.format, waveform)
        return waveform

    def _decode(self, path: str) -> np.ndarray:
        return self.format.processing(load_audio(path, self.format.sampling_rate), self.format.sampling_rate)

    def length(self, path: str) -> int:
        """Samples of the waveform, known once it was read without a mistake.

        A file is decoded for it, for what a header promises may not be there; a file that this process or
        the cache has read before is not decoded again.

        Raises:
            UserError: the file cannot be read, or is too short for the model's first frame.
        """
        try:
            stat = Path(path).stat()
        except OSError:
            raise UserError(f"{path}: audio file not found") from None
        length = _length_of_version(self, path, stat.st_size, stat.st_mtime_ns)
        wanted, rate = self.format.minimum_samples, self.format.sampling_rate
        if length < wanted:
            raise UserError(
                f"{path}: {length / rate:.3f} s is too short: the model needs {wanted / rate:.3f} s for one "
                "frame"
            )
        return length


def check_all(
    reader: WaveformReader, paths: Sequence[str], progress: Progress | None = None
) -> list[int | UserError]:
    """Read every file once, in threads, before anything depends on it.

    Args:
        reader: how they are read.
        paths: audio files.
        progress: shows how far it is.

    Returns:
        For each file its `WaveformReader.length`, or why it cannot be used.
    """

    def checked(path: str) -> int | UserError:
        try:
            return reader.length(path)
        except UserError as error:
            return error

    def in_order() -> Iterator[int | UserError]:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from threads.map(checked, paths)

    return list(progress(in_order(), len(paths)) if progress else in_order())


@lru_cache(maxsize=1 << 20)
def _length_of_version(reader: WaveformReader, path: str, size: int, mtime_ns: int) -> int:
    """Length of a file's waveform, found once as long as size and time of change stay the same."""
    stored = reader.cache.length(path, reader.format) if reader.cache else None
    return len(reader(path)) if stored is None else stored
