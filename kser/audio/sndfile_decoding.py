"""Decoding with libsndfile, as far as it is exact.

Where libsndfile gives other samples than were encoded, or fewer, without a word, it is led around its fault
here, or not asked: `kser.audio.encodings` says for which files that follows from their first bytes, and
`opened_by_libsndfile` yields `None` where it shows only when the file is opened.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile as sf

from kser.audio import mpeg
from kser.audio.containers import unannounced_bytes
from kser.audio.wave_header import WaveHeader, wave_header_of
from kser.errors import UserError

# What libsndfile reports for a stream whose header leaves the length open.
_LENGTH_UNKNOWN = np.iinfo(np.int64).max
# No codec gets more than about 5000 samples into a byte; a header that promises more is damaged.
_SAMPLES_A_BYTE = 8192
SAMPLES_A_READ = 1 << 22
# Formats and encodings that libsndfile 1.2.2 decodes wrongly: noise for packets of ALAC that could not be
# compressed (and writes such); starts of blocks rounded to 9 bits in AIFF's ADPCM; lengths of SDS; and XI,
# which has no sampling rate.
_DECODED_WRONGLY = ("ALAC_16", "ALAC_20", "ALAC_24", "ALAC_32", "AIFF IMA_ADPCM", "SDS", "XI")
# A known container with an encoding or a form of header that libsndfile lacks (SF_ERR_UNRECOGNISED_FORMAT,
# SF_ERR_UNSUPPORTED_ENCODING, SFE_UNIMPLEMENTED).
_NOT_SUPPORTED = (1, 4, 18)
_BAD_FILE = 7


@dataclass(frozen=True)
class Opened:
    """A file that libsndfile has opened.

    Attributes:
        sound: to be read from its beginning to its end.
        samples: for each channel, that the file promises; `None` where it does not say.
        unannounced: see `kser.audio.containers.unannounced_bytes`.
    """

    sound: sf.SoundFile
    samples: int | None
    unannounced: tuple[int, int]


@contextmanager
def opened_by_libsndfile(path: str | Path, file: BinaryIO, kind: str) -> Iterator[Opened | None]:
    """Open a file, with a believable header.

    Args:
        path: of the file.
        file: the same, opened for reading.
        kind: what `containers.kind_of` returned.

    Yields:
        `None` where libsndfile does not decode the file exactly.

    Raises:
        UserError: the file is no audio, is damaged, has no header or no samples.
    """
    size = file.seek(0, io.SEEK_END)
    unannounced = unannounced_bytes(file, kind)  # moves the file, which libsndfile may be reading later on
    header = wave_header_of(file, kind)
    stream = _mpeg_stream(path, file, kind, size, header)
    source = _as_libsndfile_takes_it(path, file, kind) if stream is None else mpeg.OfAnyLength(stream)
    try:
        sound = _ReadInOrder(source)
    except sf.SoundFileError as error:
        if kind and isinstance(error, sf.LibsndfileError) and error.code in _NOT_SUPPORTED:
            yield None
            return
        reason = reason_of(error, kind) if kind else "its content is of no format known here"
        raise UserError(f"{path}: cannot be read as audio: {reason}; WAV or FLAC is safe") from None
    with sound:
        if sound.format == "RAW":  # guessed from a suffix such as .vox or .au
            raise UserError(f"{path}: cannot be read as audio: it has no header; WAV or FLAC is safe")
        misread = header is not None and stream is None and sound.subtype != header.subtype
        names = {sound.format, sound.subtype, f"{sound.format} {sound.subtype}"}
        if misread or not names.isdisjoint(_DECODED_WRONGLY):
            if not kind:  # FFmpeg is not asked what no format is known of
                raise UserError(
                    f"{path}: is {sound.format_info}, which is not decoded exactly; WAV or FLAC is safe"
                )
            yield None
        elif stream is not None:
            yield Opened(sound, stream.samples, unannounced)
        else:
            _check_length(path, sound.frames, size, unannounced[1])
            whole = header.samples_of_whole_blocks if header else None
            promised = None if sound.frames == _LENGTH_UNKNOWN else sound.frames
            yield Opened(sound, promised if whole is None else whole, unannounced)


def read_blocks(path: str | Path, opened: Opened, dtype: str) -> Iterator[np.ndarray]:
    """All samples, in blocks (samples, channels), none of them empty.

    So memory follows what the file holds, or a block, and not what its header promises.
    """
    frames_a_read = max(1, SAMPLES_A_READ // opened.sound.channels)
    left = _LENGTH_UNKNOWN if opened.samples is None else opened.samples
    try:
        while left:
            wanted = min(left, frames_a_read)
            block = opened.sound.read(wanted, dtype=dtype, always_2d=True)
            left = left - wanted if len(block) == wanted else 0
            if len(block):
                yield block
    except sf.SoundFileError as error:
        raise UserError(f"{path}: is damaged: {reason_of(error)}; obtain the file again") from None


def reason_of(error: Exception, kind: str = "") -> str:
    """What libsndfile says of a file, in its words where they are true."""
    if not isinstance(error, sf.LibsndfileError):
        return str(error)
    if error.code == _BAD_FILE:  # "File does not exist", of an MP3 file without a frame that mpg123 takes
        return f"libsndfile finds no sound in it that it can decode ({kind})"
    return error.error_string.removeprefix("Error : ").strip().rstrip(".") or "libsndfile cannot decode it"


class _ReadInOrder(sf.SoundFile):
    """A file that soundfile does not seek in between reads.

    Seeking changes the last bits of MP3, and fails in FLAC without a length.
    """

    def seekable(self) -> bool:
        return False


def _mpeg_stream(
    path: str | Path, file: BinaryIO, kind: str, size: int, header: WaveHeader | None
) -> mpeg.Stream | None:
    """The stream of a file whose length libsndfile would guess at."""
    if kind == "mp3" and mpeg.counted_frames(file) is None:
        stream = mpeg.read_stream(file, mpeg.after_id3(file), size)
    elif header is not None and header.is_mpeg:
        end = size if header.data_bytes is None else header.data_offset + header.data_bytes
        stream = mpeg.read_stream(file, header.data_offset, min(end, size))
    else:
        return None
    if stream.trouble:
        raise UserError(f"{path}: is damaged or cut short: the MPEG stream {stream.trouble}; obtain it again")
    return stream


def _as_libsndfile_takes_it(path: str | Path, file: BinaryIO, kind: str) -> Any:
    """The path, or the bytes where libsndfile would misread the file at the path, or it is in memory."""
    if kind == "bw64":  # RF64 under its later name
        file.seek(4)
        return io.BytesIO(b"RF64" + file.read())
    is_in_memory = isinstance(file.name, int)
    # Without a name there is no suffix to guess from.
    if not kind or Path(path).suffix.lower() == ".raw" or is_in_memory:
        file.seek(0)
        return _Nameless(file)
    return str(path)


class _Nameless:
    """A file whose name soundfile does not see."""

    def __init__(self, file: BinaryIO):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _check_length(path: str | Path, frames: int, size: int, unannounced: int) -> None:
    if frames == 0 and unannounced:
        raise UserError(
            f"{path}: its header says that it has no samples, but {unannounced} bytes follow it: the program "
            "that wrote it did not finish; write the file anew, with `ffmpeg -ignore_length 1` say"
        )
    if frames == 0:
        raise UserError(f"{path}: has no samples; leave the file out or obtain it again")
    if frames != _LENGTH_UNKNOWN and frames > _SAMPLES_A_BYTE * size:
        raise UserError(
            f"{path}: is damaged: its header promises {frames} samples in {size} bytes; obtain it again"
        )
