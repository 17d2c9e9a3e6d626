"""The one loader of audio: a file becomes a mono waveform at the rate that the model expects.

Everything in kser that needs samples gets them here: training, evaluation and prediction get the same.
"""

from pathlib import Path

import numpy as np
import soxr

from kser.audio.decoding import decode
from kser.errors import UserError


def load_audio(path: str | Path, sampling_rate: int) -> np.ndarray:
    """Load a recording as a mono waveform.

    Channels are averaged, then the waveform is resampled with soxr (high quality, band limited). At equal
    rates the samples are those of the file, bit for bit (integers of 32 and 64 bits: rounded to float32).

    Args:
        path: a file in any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, …), recognised
            by its content, not its suffix; with the extra `av` also MP4, M4A, AAC, AVI, Matroska, WMA and
            others, of which the first audio stream is taken.
        sampling_rate: the rate wanted, in Hz.

    Returns:
        float32 array of shape `(samples,)`; full scale is ±1.

    Raises:
        UserError: the file is missing, is no audio, is damaged or cut short, has no samples (also: too few
            for one sample at `sampling_rate`), or has samples that are not finite. The line names the file.
            `kser.audio.containers` says what no decoder can know.

    Example:
        >>> waveform = load_audio("wav/03a01Fa.wav", sampling_rate=16_000)  # doctest: +SKIP
        >>> waveform.shape, waveform.dtype  # doctest: +SKIP
        ((30372,), dtype('float32'))
    """
    sound = decode(path)
    frames, rate = sound.samples, sound.sampling_rate
    # soxr rounds to the nearest whole number, halves up, except at a few ratios.
    length = (2 * len(frames) * sampling_rate + rate) // (2 * rate)
    if length == 0:
        raise UserError(
            f"{path}: is too short: {len(frames)} samples at {rate} Hz are less than one at "
            f"{sampling_rate} Hz"
        )
    waveform = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    if rate != sampling_rate:
        waveform = soxr.resample(waveform, rate, sampling_rate, quality="HQ")
        waveform = np.pad(waveform[:length], (0, max(0, length - len(waveform))))
    return np.ascontiguousarray(waveform)
