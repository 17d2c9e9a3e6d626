"""The one loader of audio: a file becomes a mono waveform at the rate that the model expects.

Everything in kser that needs samples, or needs to know how many there will be, asks here, so training,
evaluation and prediction hear the same thing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from kser.errors import UserError

# What libsndfile reports for a stream whose header leaves the length open.
_LENGTH_UNKNOWN = np.iinfo(np.int64).max

# libsndfile shortens a WAV file that ends early without a word, but notes it in its log: "data : 320000
# (should be 99956)". Programs that write to a pipe put a huge number there, and some count their own
# header in; neither is a damaged recording.
_WAV_DATA_SIZE = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_WAV_SIZE_OF_A_PIPE = 0x7FFF0000
_WAV_HEADER_BYTES = 1024


def load_audio(path: str | Path, sampling_rate: int) -> np.ndarray:
    """Load a recording as a mono waveform.

    Channels are averaged, then the waveform is resampled with soxr (high quality, band limited). At equal
    rates the samples are those of the file, bit for bit.

    Args:
        path: a file in any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, …).
        sampling_rate: the rate wanted, in Hz.

    Returns:
        float32 array of shape `(samples,)`; full scale is ±1.

    Raises:
        UserError: the file is missing, is no audio, is damaged or cut short, has no samples (also: too few
            for one sample at `sampling_rate`), or has samples that are not finite. The line names the file.

    Example:
        >>> waveform = load_audio("wav/03a01Fa.wav", sampling_rate=16_000)  # doctest: +SKIP
        >>> waveform.shape, waveform.dtype  # doctest: +SKIP
        ((30372,), dtype('float32'))
    """
    with _opened(path) as sound:
        try:
            frames = sound.read(dtype="float32", always_2d=True)  # (samples, channels)
        except sf.SoundFileError as error:
            raise UserError(f"{path}: is damaged: {_reason(error)}; obtain the file again") from None
        rate, promised = sound.samplerate, sound.frames
    if len(frames) < promised:
        raise _cut_short(path, f"{len(frames)} of the {promised} samples")
    if not np.isfinite(frames).all():
        raise UserError(f"{path}: has samples that are NaN or infinite; write the file anew from its source")
    length = _samples_after_resampling(path, promised, rate, sampling_rate)
    waveform = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    if rate != sampling_rate:
        waveform = soxr.resample(waveform, rate, sampling_rate, quality="HQ")
        # soxr rounds a sample up or down at a few ratios; the length that was announced is kept.
        waveform = np.pad(waveform[:length], (0, max(0, length - len(waveform))))
    return np.ascontiguousarray(waveform)


def audio_length(path: str | Path, sampling_rate: int) -> int:
    """Number of samples that `load_audio(path, sampling_rate)` returns, from the header alone.

    The number is exact, so batches can be put together by length before anything is decoded.

    Raises:
        UserError: as `load_audio`, as far as the header shows it.
    """
    with _opened(path) as sound:
        return _samples_after_resampling(path, sound.frames, sound.samplerate, sampling_rate)


@contextmanager
def _opened(path: str | Path) -> Iterator[sf.SoundFile]:
    """Open a sound file that exists, is audio and says that it has samples."""
    if not Path(path).exists():
        raise UserError(f"{path}: no such audio file")
    if Path(path).is_dir():
        raise UserError(f"{path}: is a folder, not an audio file")
    try:
        sound = sf.SoundFile(str(path))
    except (sf.SoundFileError, TypeError) as error:  # TypeError: headerless formats such as .raw
        raise UserError(f"{path}: cannot be read as audio: {_reason(error)}; WAV or FLAC is safe") from None
    with sound:
        if sound.frames == 0:
            raise UserError(f"{path}: has no samples; leave the file out or obtain it again")
        if sound.frames == _LENGTH_UNKNOWN:
            raise UserError(f"{path}: its header does not say how long it is; convert it to WAV or FLAC anew")
        if missing := _missing_wav_bytes(sound):
            raise _cut_short(path, missing)
        yield sound


def _samples_after_resampling(path: str | Path, samples: int, rate: int, sampling_rate: int) -> int:
    # soxr rounds samples · sampling_rate / rate to the nearest whole number, halves up.
    resampled = (2 * samples * sampling_rate + rate) // (2 * rate)
    if resampled == 0:
        raise UserError(
            f"{path}: is too short: {samples} samples at {rate} Hz are less than one at {sampling_rate} Hz"
        )
    return resampled


def _missing_wav_bytes(sound: sf.SoundFile) -> str:
    """What a WAV file lacks of the data its header promises; empty when it is whole."""
    sizes = _WAV_DATA_SIZE.search(sound.extra_info)
    if sizes is None:
        return ""
    promised, present = int(sizes[1]), int(sizes[2])
    if promised >= _WAV_SIZE_OF_A_PIPE or promised - present <= _WAV_HEADER_BYTES:
        return ""
    return f"{present} of the {promised} bytes of sound"


def _cut_short(path: str | Path, present: str) -> UserError:
    return UserError(f"{path}: is cut short: {present} that its header promises are there; obtain it again")


def _reason(error: Exception) -> str:
    text = error.error_string if isinstance(error, sf.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").strip().rstrip(".")
