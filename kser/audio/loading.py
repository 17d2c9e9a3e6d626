"""The one loader of audio: a file becomes a mono waveform at the rate that the model expects.

Everything in kser that needs samples gets them here: training, evaluation and prediction get the same.
"""

from pathlib import Path

import numpy as np
import soxr

from kser.audio.decoding import Sound, decode
from kser.errors import UserError


def load_audio(path: str | Path, sampling_rate: int) -> np.ndarray:
    """Load a recording as a mono waveform.

    Channels are averaged, then the waveform is resampled with soxr (high quality, band limited). At equal
    rates the samples are those of the file, bit for bit (integers of 32 and 64 bits: rounded to float32).

    Args:
        path: a file in any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, …), recognised
            by its content, not its suffix; with the extra `av` also MP4, M4A, AAC, AVI, Matroska, WMA and
            others, of which the first audio stream is taken; or a part of one, see `kser.audio.segments`.
        sampling_rate: the rate wanted, in Hz.

    Returns:
        float32 array of shape `(samples,)`; full scale is ±1.

    Raises:
        UserError: the file is missing, is no audio, is damaged or cut short, has no samples (also: too few
            for one sample at `sampling_rate`), or has samples that are not finite. The line names the file.
            `kser.audio.containers` says what no decoder can know.

    Examples:
        >>> waveform = load_audio("wav/03a01Fa.wav", sampling_rate=16_000)  # doctest: +SKIP
        >>> waveform.shape, waveform.dtype  # doctest: +SKIP
        ((30372,), dtype('float32'))
    """
    sound = decode(path)
    return waveform_of(path, sound, sampling_rate)


def waveform_of(path: str | Path, sound: Sound, sampling_rate: int) -> np.ndarray:
    """The waveform of a file that is decoded already, see `load_audio`.

    Args:
        path: the file, for messages.
        sound: what decoding it gave.
        sampling_rate: the rate wanted, in Hz.
    """
    samples, rate = len(sound.samples), sound.sampling_rate
    length = resampled_length(samples, rate, sampling_rate)
    if length == 0:
        raise too_short(path, samples, rate, sampling_rate)
    waveform = mixed_down(sound)
    if rate != sampling_rate:
        waveform = soxr.resample(waveform, rate, sampling_rate, quality="HQ")
        waveform = np.pad(waveform[:length], (0, max(0, length - len(waveform))))
    return np.ascontiguousarray(waveform)


def too_short(path: str | Path, samples: int, rate: int, sampling_rate: int) -> UserError:
    """Of a file whose samples are less than one at the rate wanted."""
    return UserError(
        f"{path}: is too short: {samples} samples at {rate} Hz are less than one at {sampling_rate} Hz"
    )


def mixed_down(sound: Sound) -> np.ndarray:
    """The mean of all channels, float32 (samples,), at the file's rate."""
    frames = sound.samples
    return frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)


def resampled_length(samples: int, rate: int, sampling_rate: int) -> int:
    """Samples that so many at one rate become at another: the nearest whole number, halves up.

    soxr rounds likewise, except at a few ratios.
    """
    return (2 * samples * sampling_rate + rate) // (2 * rate)
