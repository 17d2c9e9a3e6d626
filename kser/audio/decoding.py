"""From a file to all its samples, as they are: every channel, at the file's own rate.

libsndfile decodes what it can exactly; PyAV (the extra `av`) the rest: MP4, M4A, AAC, AVI, Matroska, Speex, …
Which of them is asked follows from the content, never from the suffix. `kser.audio.loading` makes of it what
a model needs.
"""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kser.audio.av_decoding import decode_with_av, tags_with_av
from kser.audio.containers import kind_of, unannounced_bytes, what_is_missing
from kser.audio.encodings import only_for_ffmpeg
from kser.audio.segments import Segment, segment_of
from kser.audio.sndfile_decoding import Opened, opened_by_libsndfile, read_all
from kser.errors import UserError

# libsndfile refuses rates above 655 350 Hz itself. Below this one there is no speech, and a damaged header
# would have a second of it resampled to an hour.
_LOWEST_SAMPLING_RATE = 1000
# By how much a segment may end after its file: times in tables are rounded, and so are those of annotators.
_BEYOND_THE_END_S = 0.05


@dataclass(frozen=True)
class Sound:
    """A decoded file.

    Attributes:
        samples: float array (samples, channels); full scale is ±1.
        sampling_rate: Hz.
        unannounced: bytes of sound that the header announces, and that follow beyond; see
            `kser.audio.containers.unannounced_bytes`.
    """

    samples: np.ndarray
    sampling_rate: int
    unannounced: tuple[int, int] = (0, 0)


def decode(path: str | Path, dtype: str = "float32") -> Sound:
    """Decode a recording.

    Args:
        path: a file, or a part of one, see `kser.audio.segments`.
        dtype: `float32` (holds integer samples of up to 24 bits exactly) or `float64`.

    Raises:
        UserError: the file is missing, is no audio, is damaged or cut short, has no samples or some that are
            not finite, or PyAV is needed and not installed; a segment is not within its file. The line names
            the file.
    """
    segment = segment_of(path)
    if segment is None:
        return _decode_file(path, dtype)
    try:
        stat = Path(segment.file).stat()
    except (OSError, ValueError):
        raise UserError(f"{segment.file}: audio file not found") from None
    return _part_of(_decoded_last(segment.file, dtype, stat.st_size, stat.st_mtime_ns), segment)


@lru_cache(maxsize=1)
def _decoded_last(path: str, dtype: str, size: int, mtime_ns: int) -> Sound:
    """The file of the segment before is often that of the next one."""
    return _decode_file(path, dtype)


def _part_of(sound: Sound, segment: Segment) -> Sound:
    rate, samples = sound.sampling_rate, len(sound.samples)
    duration_s = samples / rate
    last_s = segment.start_s if segment.end_s is None else segment.end_s
    if last_s > duration_s + _BEYOND_THE_END_S:
        what = "begins" if segment.end_s is None else "ends"
        raise UserError(
            f"{segment.name}: the segment {what} at {last_s:g} s, but the file has {duration_s:.3f} s; if "
            "start and end mean something else, give these columns other names by columns"
        )
    start = round(segment.start_s * rate)
    end = samples if segment.end_s is None else min(samples, round(segment.end_s * rate))
    if end <= start:
        raise UserError(f"{segment.name}: the segment has no samples; leave the row out")
    return Sound(sound.samples[start:end].copy(), rate, sound.unannounced)


def decode_bytes(content: bytes, name: str, dtype: str = "float32") -> Sound:
    """Decode a recording that is in memory, without writing it to a disk.

    Args:
        content: of the file.
        name: what messages call it.
        dtype: see `decode`.

    Raises:
        UserError: as `decode`.
    """
    with _in_memory() as file:
        file.write(content)
        return _decoded(name, file, _checked_kind(name, file), dtype)


def _decode_file(path: str | Path, dtype: str) -> Sound:
    with _opened(path) as (file, kind):
        return _decoded(path, file, kind, dtype)


def _decoded(path: str | Path, file: BinaryIO, kind: str, dtype: str) -> Sound:
    sound = _decode_with_libsndfile(path, file, kind, dtype)
    if sound is None:
        sound = Sound(*decode_with_av(path, file, kind, _only_for_ffmpeg(file, kind), dtype))
    if not len(sound.samples):
        raise _no_samples(path)
    _check_sampling_rate(path, sound.sampling_rate)
    if not np.isfinite(sound.samples).all():
        raise UserError(f"{path}: has samples that are NaN or infinite; write the file anew from its source")
    return sound


def stored_as(path: str | Path) -> tuple[str, str, str] | None:
    """Container, encoding and byte order of a file, as libsndfile names them; `None` for what PyAV decodes.

    Raises:
        UserError: as `decode`, as far as the header shows it.
    """
    with _opened(path) as (file, kind), _libsndfile(path, file, kind) as opened:
        if opened is None:
            return None
        return opened.sound.format, opened.sound.subtype, opened.sound.endian


def tags_of(path: str | Path) -> dict[str, str]:
    """What a file says of its sound: title, artist, date, …, by the names of soundfile's attributes.

    Raises:
        UserError: as `decode`, as far as the header shows it.
    """
    with _opened(path) as (file, kind):
        with _libsndfile(path, file, kind) as opened:
            if opened is not None:
                return opened.sound.copy_metadata()
        return tags_with_av(path, file, kind, _only_for_ffmpeg(file, kind))


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[BinaryIO, str]]:
    """The file, neither missing, empty nor cut short as far as its structure shows, and its kind."""
    if Path(path).is_dir():
        raise UserError(f"{path}: is a folder, not an audio file")
    if Path(path).exists() and not Path(path).is_file():  # opening a pipe would wait for somebody to write
        raise UserError(f"{path}: is a pipe or a device, not an audio file; write it to a file first")
    try:
        file = Path(path).open("rb")  # noqa: SIM115 — closed below; here only opening may fail
    except FileNotFoundError:
        raise UserError(f"{path}: audio file not found") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from None
    with file:
        yield file, _checked_kind(path, file)


def _checked_kind(path: str | Path, file: BinaryIO) -> str:
    if not file.seek(0, io.SEEK_END):
        raise UserError(f"{path}: is empty (0 bytes); leave the file out or obtain it again")
    kind = kind_of(file)
    if missing := what_is_missing(file, kind):
        raise _cut_short(path, missing)
    return kind


def _in_memory() -> BinaryIO:
    """A file of the operating system, as PyAV needs one, that is on no disk where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("recording"), "w+b")
    return tempfile.TemporaryFile()


@contextmanager
def _libsndfile(path: str | Path, file: BinaryIO, kind: str) -> Iterator[Opened | None]:
    """The file opened by libsndfile; `None` where PyAV is to be asked."""
    if only_for_ffmpeg(file, kind):
        yield None
        return
    with opened_by_libsndfile(path, file, kind) as opened:
        if opened is not None:
            _check_sampling_rate(path, opened.sound.samplerate)
        yield opened


def _decode_with_libsndfile(path: str | Path, file: BinaryIO, kind: str, dtype: str) -> Sound | None:
    with _libsndfile(path, file, kind) as opened:
        if opened is None:
            return None
        samples = read_all(path, opened, dtype)
        if opened.samples is not None and len(samples) < opened.samples:
            promised = f"{opened.samples} samples that its header promises"
            raise _cut_short(path, f"only {len(samples)} of the {promised} are present")
        return Sound(samples, opened.sound.samplerate, unannounced_bytes(file, kind))


def _only_for_ffmpeg(file: BinaryIO, kind: str) -> str:
    return only_for_ffmpeg(file, kind) or f"sound in a form of {kind}"


def _check_sampling_rate(path: str | Path, rate: int) -> None:
    if rate < _LOWEST_SAMPLING_RATE:
        raise UserError(
            f"{path}: its header says {rate} Hz, too low for speech "
            f"(at least {_LOWEST_SAMPLING_RATE} Hz); write the file anew from its source"
        )


def _no_samples(path: str | Path) -> UserError:
    return UserError(f"{path}: has no samples; leave the file out or obtain it again")


def _cut_short(path: str | Path, what: str) -> UserError:
    return UserError(f"{path}: is cut short: {what}; obtain it again")
