"""The one loader of audio: a file becomes a mono waveform at the rate that the model expects.

Everything in kser that needs samples, or needs to know how many there will be, asks here, so training,
evaluation and prediction hear the same thing.
"""

from pathlib import Path

import numpy as np
import soxr

from kser.audio.decoding import decode, measure
from kser.errors import UserError


def load_audio(path: str | Path, sampling_rate: int) -> np.ndarray:
    """Load a recording as a mono waveform.

    Channels are averaged, then the waveform is resampled with soxr (high quality, band limited). At equal
    rates the samples are those of the file, bit for bit (integers of 32 and 64 bits: rounded to float32).

    Args:
        path: a file in any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, …), told by its
            content, not its suffix; with the extra `av` also MP4, M4A, AAC, AVI, Matroska, WMA and others, of
            which the first audio stream is taken.
        sampling_rate: the rate wanted, in Hz.

    Returns:
        float32 array of shape `(samples,)`; full scale is ±1.

    Raises:
        UserError: the file is missing, is no audio, is damaged or cut short, has no samples (also: too few
            for one sample at `sampling_rate`), or has samples that are not finite. The line names the file.
            What no decoder can know is told in `kser.audio.containers`.

    Example:
        >>> waveform = load_audio("wav/03a01Fa.wav", sampling_rate=16_000)  # doctest: +SKIP
        >>> waveform.shape, waveform.dtype  # doctest: +SKIP
        ((30372,), dtype('float32'))
    """
    sound = decode(path)
    frames, rate = sound.samples, sound.sampling_rate
    length = _samples_after_resampling(path, len(frames), rate, sampling_rate)
    waveform = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    return resample(waveform, rate, sampling_rate, length)


def audio_length(path: str | Path, sampling_rate: int) -> int:
    """Number of samples that `load_audio(path, sampling_rate)` returns.

    The number is exact, so batches can be put together by length before anything is decoded. It comes from
    the header; what only PyAV reads has none that is exact, and is decoded for it.

    Raises:
        UserError: as `load_audio`, as far as the header shows it. A FLAC or MP3 file that is cut short, and
            samples that are not finite, show when it is decoded.
    """
    samples, rate = measure(path)
    return _samples_after_resampling(path, samples, rate, sampling_rate)


def resample(waveform: np.ndarray, rate: int, sampling_rate: int, length: int) -> np.ndarray:
    """Resample with soxr; at equal rates the waveform stays as it is, bit for bit.

    Args:
        waveform: float32 array (samples,).
        rate: Hz, of the waveform.
        sampling_rate: Hz, wanted.
        length: samples wanted; soxr rounds one up or down at a few ratios.

    Returns:
        float32 array (length,).
    """
    if rate != sampling_rate:
        waveform = soxr.resample(waveform, rate, sampling_rate, quality="HQ")
        waveform = np.pad(waveform[:length], (0, max(0, length - len(waveform))))
    return np.ascontiguousarray(waveform)


def _samples_after_resampling(path: str | Path, samples: int, rate: int, sampling_rate: int) -> int:
    # soxr rounds samples · sampling_rate / rate to the nearest whole number, halves up.
    resampled = (2 * samples * sampling_rate + rate) // (2 * rate)
    if resampled == 0:
        raise UserError(
            f"{path}: is too short: {samples} samples at {rate} Hz are less than one at {sampling_rate} Hz"
        )
    return resampled
