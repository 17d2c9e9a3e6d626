"""From an audio file to the waveform that a model expects, and whether that will work for all of them."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from kser.audio.decoding import Sound
from kser.audio.known_contents import known_contents
from kser.audio.known_sounds import check_usable, known_sounds
from kser.audio.loading import load_audio, resampled_length, too_short, waveform_of
from kser.audio.segments import equal_parts, file_of
from kser.errors import UserError
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.waveform_format import WaveformFormat
from kser.threads import in_threads

Item = TypeVar("Item")


class Progress(Protocol):
    """Wraps an iterable of so many items to show how far it is, as `rich.progress.track` does."""

    def __call__(self, found: Iterable[Item], total: int, /) -> Iterable[Item]: ...


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
        waveform = None if self.cache is None else self.cache.get(path, self.format)
        if waveform is not None:
            return waveform
        return self._processed(path, load_audio(path, self.format.sampling_rate))

    def of_decoded(self, path: str, sound: Sound) -> np.ndarray:
        """The waveform of a file that is decoded already; the cache has it afterwards."""
        return self._processed(path, waveform_of(path, sound, self.format.sampling_rate))

    def _processed(self, path: str, waveform: np.ndarray) -> np.ndarray:
        processed = self.format.processing(waveform, self.format.sampling_rate)
        if self.cache is not None:
            self.cache.put(path, self.format, processed)
        return processed

    def length(self, path: str) -> int:
        """Samples of the waveform, known once it was read without a mistake.

        A file is decoded for it, for what a header promises may not be there. One that any process of this
        user has decoded before is not decoded again, unless silence is trimmed or the cache lacks it.

        Raises:
            UserError: the file cannot be read or used (see `kser.audio.sound_faults`), or is too short for
                the model's first frame.
        """
        try:
            stat = Path(file_of(path)).stat()
        except OSError:
            raise UserError(f"{path}: audio file not found") from None
        length = _length_of_version(self, path, stat.st_size, stat.st_mtime_ns)
        check_long_enough(path, length, self.format)
        if reason := self.format.processing.why_left_out(length, self.format.sampling_rate):
            raise LeftOutError(f"{path}: {reason}")
        return length

    def parts(self, path: str, length: int) -> list[tuple[str, int]]:
        """The parts of a recording that is too long for `max_seconds` with "split", each as a recording.

        Args:
            path: of the recording.
            length: of its waveform.

        Returns:
            Of each its name, see `kser.audio.segments`, and its samples, trimmed ones perhaps less; the
            recording itself where it is not split.
        """
        seconds = length / self.format.sampling_rate
        if self.format.processing.parts(seconds) == 1:
            return [(path, length)]
        facts = known_sounds.of(path)
        return [
            (name, resampled_length(samples, facts.sampling_rate, self.format.sampling_rate))
            for name, samples in equal_parts(
                path, facts.samples, facts.sampling_rate, self.format.processing.parts(facts.duration_s)
            )
        ]


class LeftOutError(UserError):
    """Of a recording that is not used because the experiment says so, whatever becomes of bad ones."""


def check_long_enough(path: str, samples: int, waveform_format: WaveformFormat) -> None:
    """Raise a `UserError` that names the recording where a waveform is too short for the first frame."""
    wanted, rate = waveform_format.minimum_samples, waveform_format.sampling_rate
    if samples < wanted:
        raise UserError(
            f"{path}: {samples / rate:.3f} s is too short: the model needs {wanted / rate:.3f} s for one "
            "frame"
        )


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

    # Entries of the cache are named by the bytes of the files.
    named = known_contents.recalled(paths) if reader.cache else nullcontext()
    with known_sounds.recalled(paths), named:
        lengths = in_threads(checked, paths)
        return list(progress(lengths, len(paths)) if progress else lengths)


@lru_cache(maxsize=1 << 20)
def _length_of_version(reader: WaveformReader, path: str, size: int, mtime_ns: int) -> int:
    """Length of a file's waveform, found once as long as size and time of change stay the same."""
    facts, rate = known_sounds.get(path), reader.format.sampling_rate
    if facts is not None:
        check_usable(path, facts)
        length = reader.cache.length(path, reader.format) if reader.cache else None
        if length is None and not reader.cache:
            if facts.length_at(rate) == 0:
                raise too_short(path, facts.samples, facts.sampling_rate, rate)
            length = reader.format.processing.length(facts.length_at(rate), rate)
        if length is not None:
            return length
    sound, facts = known_sounds.decode(path)
    check_usable(path, facts)
    return len(reader.of_decoded(path, sound))
