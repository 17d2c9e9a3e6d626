"""Decoding with PyAV (FFmpeg), an optional package, what libsndfile does not know."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kser.errors import UserError, install_extra

# The demuxer is always named: none is guessed from a suffix, and playlists, which open other files, are none
# of them. Where FFmpeg calls a kind otherwise than `kser.audio.containers.kind_of`:
_DEMUXERS = {"rifx": "wav", "rf64": "wav", "bw64": "wav", "nist": "nistsphere"}
# FFmpeg's names of tags, by soundfile's.
_TAGS = {
    **{name: name for name in ("title", "artist", "album", "date", "comment", "genre", "copyright")},
    "tracknumber": "track",
}
_PRECISION_S = 0.001
_SAMPLES_A_BLOCK = 1 << 20
# FFmpeg's sample formats: type, and full scale of the integer ones.
_SAMPLE_FORMATS = {
    "u8": ("u1", 2.0**7),
    "s16": ("i2", 2.0**15),
    "s32": ("i4", 2.0**31),
    "s64": ("i8", 2.0**63),
    "flt": ("f4", 1.0),
    "dbl": ("f8", 1.0),
}


@contextmanager
def decoded_with_av(
    path: str | Path, file: BinaryIO, kind: str, what: str, dtype: str
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Decode the first audio stream of a file.

    Args:
        path: what messages call it.
        file: opened for reading.
        kind: what `kser.audio.containers.kind_of` returned.
        what: it is that only FFmpeg decodes, for messages.
        dtype: `float32` or `float64`.

    Yields:
        The sampling rate in Hz, and the sound in blocks (samples, channels), full scale ±1, without the
        encoder's delay where the container states it.

    Raises:
        UserError: PyAV is not installed, or cannot decode every packet; the latter also from the blocks.
    """
    with _opened(path, file, kind, what) as container:
        if not container.streams.audio:
            raise UserError(f"{path}: has no sound in it; leave the file out")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise UserError(f"{path}: has sound that PyAV has no decoder for; convert it to WAV or FLAC")
        stream.codec_context.options = {"err_detect": "explode"}
        frames = _frames(path, container, stream)
        first = next(frames, None)
        if first is None:
            yield stream.codec_context.sample_rate, iter(())
            return
        rate = first.sample_rate
        samples = (_samples(frame, dtype) for frame in chain([first], frames))
        yield rate, _in_blocks(_as_promised(path, container, stream, rate, samples))


def tags_with_av(path: str | Path, file: BinaryIO, kind: str, what: str) -> dict[str, str]:
    """Tags of a file, by soundfile's names of them; arguments and errors are those of `decode_with_av`."""
    with _opened(path, file, kind, what) as container, _in_words(path):
        streams = container.streams.audio[:1]
        found = {name: text for holder in (*streams, container) for name, text in holder.metadata.items()}
    by_name = {name.lower(): text for name, text in found.items()}
    return {name: by_name[theirs] for name, theirs in _TAGS.items() if by_name.get(theirs)}


@contextmanager
def _opened(path: str | Path, file: BinaryIO, kind: str, what: str) -> Iterator[Any]:
    try:
        import av
    except ImportError:
        raise UserError(
            f"{path}: holds {what}, which only FFmpeg decodes; convert the file to WAV or FLAC, or "
            f"{install_extra('av')}"
        ) from None

    # A name that is a number: FFmpeg would see a suffix in a path and think it knows.
    with os.fdopen(os.dup(file.fileno()), "rb") as nameless:
        nameless.seek(0)
        with _in_words(path):
            container = av.open(nameless, format=_DEMUXERS.get(kind, kind), metadata_errors="replace")
        with container:
            yield container


@contextmanager
def _in_words(path: str | Path) -> Iterator[None]:
    """What FFmpeg raises as a line that names the file."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:  # the latter where a header names a place that cannot be
        raise UserError(
            f"{path}: is damaged or cannot be decoded: {error.strerror}; WAV or FLAC is safe"
        ) from None


def _frames(path: str | Path, container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream that have samples, all of one rate and number of channels."""
    form = None
    with _in_words(path):
        for packet in container.demux(stream):
            for frame in packet.decode():
                if not frame.samples:
                    continue
                form = form or (frame.sample_rate, frame.layout.nb_channels)
                if form != (frame.sample_rate, frame.layout.nb_channels):
                    raise UserError(
                        f"{path}: changes its sampling rate or channels midway; convert it to WAV or FLAC"
                    )
                yield frame


def _as_promised(
    path: str | Path, container: Any, stream: Any, rate: int, decoded: Iterator[np.ndarray]
) -> Iterator[np.ndarray]:
    """As many samples as the container promises, where it knows.

    MP4 knows how much of the last packet is sound, many writers of it to a millisecond only; other containers
    estimate the duration.
    """
    if not container.format.name.startswith("mov") or stream.duration is None:
        yield from decoded
        return
    promised = round(Fraction(stream.duration) * stream.time_base * rate)
    present = 0
    for samples in decoded:
        yield samples[: max(0, promised - present)]
        present += len(samples)
    if present < promised - math.ceil(rate * _PRECISION_S):
        raise UserError(
            f"{path}: is cut short: {present} of the {promised} promised samples are present; obtain it again"
        )


def _in_blocks(decoded: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The samples of frames, which are short, in blocks, none of them empty."""
    waiting: list[np.ndarray] = []
    count = 0
    for samples in decoded:
        waiting.append(samples)
        count += samples.size
        if count >= _SAMPLES_A_BLOCK:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def _samples(frame: Any, dtype: str) -> np.ndarray:
    """A frame as (samples, channels), full scale ±1."""
    stored_as, full_scale = _SAMPLE_FORMATS[frame.format.packed.name]
    channels = frame.layout.nb_channels
    if frame.format.is_planar:  # the end of a plane may be filling
        planes = [np.frombuffer(plane, stored_as, count=frame.samples) for plane in frame.planes]
        values = np.stack(planes, axis=1)
    else:
        values = np.frombuffer(frame.planes[0], stored_as, count=frame.samples * channels)
        values = values.reshape(frame.samples, channels)
    if stored_as == "u1":
        values = values.astype(np.int16) - 128
    return (values / full_scale).astype(dtype)
