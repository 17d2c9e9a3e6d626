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
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kser.audio.av_decoding import decoded_with_av, tags_with_av
from kser.audio.containers import kind_of, what_is_missing
from kser.audio.encodings import only_for_ffmpeg
from kser.audio.segments import Segment, segment_of
from kser.audio.sndfile_decoding import Opened, opened_by_libsndfile, read_blocks
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


@dataclass(frozen=True)
class SoundInBlocks:
    """A file that is decoded as its blocks are taken.

    Attributes:
        blocks: float arrays (samples, channels) to be taken once, none of them empty; full scale is ±1.
            Taking them raises what `decode` raises, up to behind the last one.
        sampling_rate: Hz.
        unannounced: as of a `Sound`.
        promised: samples of each channel that the file promises; `None` where it does not say.
    """

    blocks: Iterator[np.ndarray]
    sampling_rate: int
    unannounced: tuple[int, int] = (0, 0)
    promised: int | None = None


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
    with bytes_decoded_in_blocks(content, name, dtype) as sound:
        return _joined(sound)


@contextmanager
def decoded_in_blocks(path: str | Path, dtype: str = "float32") -> Iterator[SoundInBlocks]:
    """Decode a recording of any length in memory of bounded size.

    Of a part of a file (see `kser.audio.segments`) the whole file is decoded at once.

    Args:
        path, dtype: see `decode`.

    Yields:
        The blocks, which together are what `decode` gives.

    Raises:
        UserError: as `decode`, here or from the blocks.
    """
    if segment_of(path) is not None:
        part = decode(path, dtype)
        yield SoundInBlocks(iter([part.samples]), part.sampling_rate, part.unannounced, len(part.samples))
        return
    with _opened(path) as (file, kind), _in_blocks(path, file, kind, dtype) as sound:
        yield sound


@contextmanager
def bytes_decoded_in_blocks(content: bytes, name: str, dtype: str = "float32") -> Iterator[SoundInBlocks]:
    """As `decoded_in_blocks`, of a file in memory, see `decode_bytes`."""
    with _in_memory() as file:
        file.write(content)
        with _in_blocks(name, file, _checked_kind(name, file), dtype) as sound:
            yield sound


def _decode_file(path: str | Path, dtype: str) -> Sound:
    with decoded_in_blocks(path, dtype) as sound:
        return _joined(sound)


def _joined(sound: SoundInBlocks) -> Sound:
    blocks = list(sound.blocks)
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return Sound(samples, sound.sampling_rate, sound.unannounced)


@contextmanager
def _in_blocks(path: str | Path, file: BinaryIO, kind: str, dtype: str) -> Iterator[SoundInBlocks]:
    with _libsndfile(path, file, kind) as opened:
        if opened is not None:
            blocks = _all_promised(path, opened, read_blocks(path, opened, dtype))
            sound = SoundInBlocks(blocks, opened.sound.samplerate, opened.unannounced, opened.samples)
            yield _checked(path, sound)
            return
    with decoded_with_av(path, file, kind, _only_for_ffmpeg(file, kind), dtype) as (rate, blocks):
        yield _checked(path, SoundInBlocks(blocks, rate))


def _checked(path: str | Path, sound: SoundInBlocks) -> SoundInBlocks:
    """The same blocks, of which there is one, and whose samples are finite."""
    first = next(sound.blocks, None)
    if first is None:
        raise _no_samples(path)
    _check_sampling_rate(path, sound.sampling_rate)
    return replace(sound, blocks=_finite(path, chain([first], sound.blocks)))


def _finite(path: str | Path, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    for block in blocks:
        if not np.isfinite(block).all():
            raise UserError(
                f"{path}: has samples that are NaN or infinite; write the file anew from its source"
            )
        yield block


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


def _all_promised(path: str | Path, opened: Opened, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    present = 0
    for block in blocks:
        yield block
        present += len(block)
    if opened.samples is not None and present < opened.samples:
        promised = f"{opened.samples} samples that its header promises"
        raise _cut_short(path, f"only {present} of the {promised} are present")


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
