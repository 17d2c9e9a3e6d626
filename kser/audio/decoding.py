"""From a file to all its samples, as they are: every channel, at the file's own rate.

libsndfile decodes what it can; PyAV (the extra `av`) the rest: MP4, M4A, AAC, AVI, Matroska, … Which of them
is asked follows from the content, never from the suffix. `kser.audio.loading` makes of it what a model needs.
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
from kser.audio.av_decoding import DEMUXERS, decode_with_av
from kser.audio.containers import kind_of, unannounced_bytes, what_is_missing
from kser.errors import UserError

# What libsndfile reports for a stream whose header leaves the length open.
_LENGTH_UNKNOWN = np.iinfo(np.int64).max
# libsndfile refuses rates above 655 350 Hz itself. Below this one there is no speech, and a damaged header
# would have a second of it resampled to an hour.
_LOWEST_SAMPLING_RATE = 1000
# No codec gets more than about 5000 samples into a byte; a header that promises more is damaged.
_SAMPLES_A_BYTE = 8192
_SAMPLES_A_READ = 1 << 22
# libsndfile 1.2.2 gives noise for packets of ALAC that could not be compressed (and writes such).
_DECODED_WRONGLY = "ALAC"
# A known container with an encoding that libsndfile lacks (its SF_ERR_UNSUPPORTED_ENCODING,
# SFE_UNIMPLEMENTED).
_ENCODING_NOT_SUPPORTED = (4, 18)


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
    """Decode a whole file.

    Args:
        path: the file.
        dtype: `float32` (holds integer samples of up to 24 bits exactly) or `float64`.

    Raises:
        UserError: the file is missing, is no audio, is damaged or cut short, has no samples or some that are
            not finite, or PyAV is needed and not installed. The line names the file.
    """
    with _opened(path) as (file, kind):
        sound = _decode_with_libsndfile(path, file, kind, dtype)
        if sound is None:
            samples, rate = decode_with_av(path, file, kind, dtype)
            sound = Sound(samples, rate)
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
    with _opened(path) as (file, kind), _libsndfile(path, file, kind) as sound:
        return None if sound is None else (sound.format, sound.subtype, sound.endian)


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
        if not file.seek(0, io.SEEK_END):
            raise UserError(f"{path}: is empty (0 bytes); leave the file out or obtain it again")
        kind = kind_of(file)
        if missing := what_is_missing(file, kind):
            raise _cut_short(path, missing)
        yield file, kind


def _decode_with_libsndfile(path: str | Path, file: BinaryIO, kind: str, dtype: str) -> Sound | None:
    with _libsndfile(path, file, kind) as sound:
        if sound is None:
            return None
        samples = _all_samples(path, sound, dtype)
        if len(samples) < sound.frames:
            promised = f"{sound.frames} samples that its header promises"
            raise _cut_short(path, f"only {len(samples)} of the {promised} are present")
        return Sound(samples, sound.samplerate, unannounced_bytes(file, kind))


def _all_samples(path: str | Path, sound: sf.SoundFile, dtype: str) -> np.ndarray:
    """Read in blocks, so that memory follows what the file holds and not what its header promises."""
    frames_a_read = max(1, _SAMPLES_A_READ // sound.channels)
    blocks: list[np.ndarray] = []
    try:
        while not blocks or len(blocks[-1]) == frames_a_read:
            blocks.append(sound.read(frames_a_read, dtype=dtype, always_2d=True))
    except sf.SoundFileError as error:
        raise UserError(f"{path}: is damaged: {_reason(error)}; obtain the file again") from None
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


@contextmanager
def _libsndfile(path: str | Path, file: BinaryIO, kind: str) -> Iterator[sf.SoundFile | None]:
    """The file opened by libsndfile, with a believable header; `None` where PyAV is to be asked."""
    if kind in DEMUXERS:
        yield None
        return
    try:
        sound = sf.SoundFile(_as_libsndfile_takes_it(path, file, kind))
    except sf.SoundFileError as error:
        if kind and isinstance(error, sf.LibsndfileError) and error.code in _ENCODING_NOT_SUPPORTED:
            yield None
            return
        reason = _reason(error) if kind else "its content is of no format known here"
        raise UserError(f"{path}: cannot be read as audio: {reason}; WAV or FLAC is safe") from None
    with sound:
        _check_header(path, sound, Path(path).stat().st_size, unannounced_bytes(file, kind)[1])
        yield None if sound.subtype.startswith(_DECODED_WRONGLY) else sound


def _as_libsndfile_takes_it(path: str | Path, file: BinaryIO, kind: str) -> Any:
    """The path, or the bytes where libsndfile would misread the file at the path."""
    if kind == "mp3" and not mpeg.has_length(file):
        frames, trouble = mpeg.count_frames(file)
        if trouble:
            raise UserError(f"{path}: is damaged or cut short: the MP3 stream {trouble}; obtain it again")
        file.seek(mpeg.after_id3(file))
        return io.BytesIO(mpeg.with_length(file.read(), frames))
    if kind == "bw64":  # RF64 under its later name
        file.seek(4)
        return io.BytesIO(b"RF64" + file.read())
    if not kind or Path(path).suffix.lower() == ".raw":  # without a name there is no suffix to guess from
        file.seek(0)
        return _Nameless(file)
    return str(path)


class _Nameless:
    """A file whose name soundfile does not see."""

    def __init__(self, file: BinaryIO):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _check_header(path: str | Path, sound: sf.SoundFile, size: int, unannounced: int) -> None:
    if sound.format == "RAW":  # guessed from a suffix such as .vox or .au
        raise UserError(f"{path}: cannot be read as audio: it has no header; WAV or FLAC is safe")
    if sound.frames == 0 and unannounced:
        raise UserError(
            f"{path}: its header says that it has no samples, but {unannounced} bytes follow it: the program "
            "that wrote it did not finish; write the file anew, with `ffmpeg -ignore_length 1` say"
        )
    if sound.frames == 0:
        raise _no_samples(path)
    if sound.frames == _LENGTH_UNKNOWN:
        raise UserError(f"{path}: its header does not say how long it is; convert it to WAV or FLAC anew")
    if sound.frames > _SAMPLES_A_BYTE * size:
        raise UserError(
            f"{path}: is damaged: its header promises {sound.frames} samples in {size} bytes; obtain it again"
        )
    _check_sampling_rate(path, sound.samplerate)


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


def _reason(error: Exception) -> str:
    text = error.error_string if isinstance(error, sf.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").strip().rstrip(".")
