"""What may be done to recordings before a model gets them: trimming silence, setting length and loudness.

In an experiment the steps are an `AudioProcessing`, applied in training, recorded in the model and applied
again in evaluation and prediction; `kser normalize` and `kser trim` do the same to files. A new step is a
field of `AudioProcessing` and, for experiments, one of the same name in `ExperimentConfig`; caches,
fingerprints, models and reports take the value as a whole.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

LOWEST_LOUDNESS_LUFS = -70.0  # the absolute gate of ITU-R BS.1770: what is softer counts as silence
_BLOCK_S = 0.4
_BLOCKS_OVERLAP_PARTS = 4  # a new block each quarter of one
_RELATIVE_GATE_LU = 10.0
_CHANNEL_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)  # left, right, centre, and the surrounds
_LOW_FREQUENCY_CHANNEL = 3  # of six: left, right, centre, low frequency effects, two surrounds
# At 16 kHz these are the 2048 and 512 samples of librosa.effects.trim.
_FRAME_S = 0.128
_FIRST_STEPS = ("loudness_lufs", "trim_db")
_ROUNDING = 1e-9
_HOP_S = 0.032


TooLong = Literal["crop", "split", "skip"]


@dataclass(frozen=True, repr=False)
class AudioProcessing:
    """Trims, crops, then sets the loudness of a waveform; a step whose setting is `None` is left out.

    Which recordings are too short or too long, and what becomes of them, belongs to it, since a model must be
    given others as it was given those that it learned from.

    Args:
        loudness_lufs: integrated loudness (ITU-R BS.1770) that every waveform is brought to, −70 to 0 LUFS.
        trim_db: leading and trailing parts that are more than this many decibels below the loudest frame are
            cut off; above 0.
        min_seconds: shorter recordings are left out; above 0.
        max_seconds: longer recordings are treated as `too_long` says; above 0, and not below `min_seconds`.
        too_long: "crop" (as `None`) leaves their beginning; "split" makes parts of one length of them, and
            the model's outputs are averaged; "skip" leaves them out. Requires `max_seconds`.

    Raises:
        ValueError: a value out of its range.
    """

    loudness_lufs: float | None = None
    trim_db: float | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    too_long: TooLong | None = None

    def __post_init__(self) -> None:
        if self.loudness_lufs is not None and not LOWEST_LOUDNESS_LUFS <= self.loudness_lufs <= 0:
            raise ValueError(f"`loudness_lufs` must be from −70 to 0. Received: {self.loudness_lufs}")
        if self.trim_db is not None and not 0 < self.trim_db < np.inf:
            raise ValueError(f"`trim_db` must be above 0. Received: {self.trim_db}")
        if mistake := length_mistake(self.min_seconds, self.max_seconds, self.too_long):
            raise ValueError(f"{mistake}. Received: {self}")

    def __repr__(self) -> str:
        # Keys of caches have it: what came later than the first steps stands in it only where it is chosen.
        steps = {**dict.fromkeys(_FIRST_STEPS), **self.chosen()}
        return f"AudioProcessing({', '.join(f'{name}={value!r}' for name, value in steps.items())})"

    def __call__(self, waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
        """Process one utterance.

        Args:
            waveform: float array (samples,), full scale ±1.
            sampling_rate: Hz.

        Returns:
            float32 array (samples,), shorter when trimmed. It is not clipped: a peak may lie beyond ±1.
        """
        waveform = np.asarray(waveform, dtype=np.float32)
        if self.trim_db is not None:
            start, end = sound_between(waveform, sampling_rate, self.trim_db)
            waveform = waveform[start:end]
        if self.crops and self.max_seconds is not None:
            waveform = waveform[: self._longest(sampling_rate)]
        if self.loudness_lufs is not None:
            gain = 10 ** (gain_to(self.loudness_lufs, integrated_loudness(waveform, sampling_rate)) / 20)
            waveform = waveform * np.float32(gain)
        return waveform

    @property
    def crops(self) -> bool:
        """Whether of long waveforms the beginning is left."""
        return self.max_seconds is not None and self.too_long in (None, "crop")

    @property
    def sound_settings(self) -> tuple[float | None, ...]:
        """What the samples follow from, for keys of caches."""
        first = (self.trim_db, self.loudness_lufs)
        return (*first, self.max_seconds) if self.crops else first

    def length(self, samples: int, sampling_rate: int) -> int | None:
        """Samples of a waveform when it is processed; `None` where that depends on its sound."""
        if self.trim_db is not None:
            return None
        return min(samples, self._longest(sampling_rate)) if self.crops else samples

    def why_left_out(self, samples: int, sampling_rate: int) -> str:
        """Why a processed waveform is not used, for behind the recording's name; else empty."""
        seconds = samples / sampling_rate
        if self.min_seconds is not None and samples < round(self.min_seconds * sampling_rate):
            return f"lasts {seconds:.3g} s, less than min_seconds ({self.min_seconds:g})"
        if self.too_long == "skip" and samples > self._longest(sampling_rate):
            return f"lasts {seconds:.4g} s, more than max_seconds ({self.max_seconds:g})"
        return ""

    def parts(self, seconds: float) -> int:
        """How many parts of one length a recording of so many seconds becomes; 1 for the recording itself."""
        if self.too_long != "split" or self.max_seconds is None:
            return 1
        return max(1, math.ceil(seconds / self.max_seconds - _ROUNDING))

    @property
    def sound_steps(self) -> dict[str, Any]:
        """Those of the settings that are `chosen` which change waveforms."""
        lengths = () if self.crops else ("max_seconds", "too_long")
        return {name: value for name, value in self.chosen().items() if name not in ("min_seconds", *lengths)}

    def chosen(self) -> dict[str, Any]:
        """The settings of the steps that are taken, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def _longest(self, sampling_rate: int) -> int:
        assert self.max_seconds is not None
        return max(1, round(self.max_seconds * sampling_rate))


def as_setting(value: Any) -> str:
    """A setting of a step in words: `-23`, `split`, `none`."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:g}"


def length_mistake(min_seconds: float | None, max_seconds: float | None, too_long: str | None) -> str:
    """What is wrong with the settings of length, in words; empty where nothing is."""
    if min_seconds is not None and not 0 < min_seconds < np.inf:
        return "`min_seconds` must be above 0"
    if max_seconds is not None and not 0 < max_seconds < np.inf:
        return "`max_seconds` must be above 0"
    if max_seconds is not None and min_seconds is not None and max_seconds < min_seconds:
        return "`max_seconds` must not be below `min_seconds`"
    if too_long is not None and too_long not in get_args(TooLong):
        return f"`too_long` must be one of {', '.join(get_args(TooLong))}"
    if too_long is not None and max_seconds is None:
        return "`too_long` requires `max_seconds`"
    return ""


PROCESSING_STEPS = tuple(step.name for step in fields(AudioProcessing))
"""Names of the settings of an `AudioProcessing`, in experiments and in the configuration of models."""


def sound_between(waveform: np.ndarray, sampling_rate: int, trim_db: float) -> tuple[int, int]:
    """Where the sound of a recording begins and ends.

    Frames of 128 ms every 32 ms, centred, are silence when their power is `trim_db` or more below that of the
    loudest frame (in any channel): `librosa.effects.trim`, whose default frames these are at 16 kHz. Unlike
    there the frames last as long at every rate, and there is no floor at −100 dB of full scale.

    Args:
        waveform: float array (samples,) or (samples, channels).
        sampling_rate: Hz.
        trim_db: decibels, above 0.

    Returns:
        First sample, and the one after the last. At least one frame is kept; of silence, everything.
    """
    samples = len(waveform)
    frame, hop = round(_FRAME_S * sampling_rate), round(_HOP_S * sampling_rate)
    power = _frame_power(_with_channels(waveform), frame, hop)
    sounding = np.flatnonzero(power > power.max(initial=0) * 10 ** (-trim_db / 10))
    if not sounding.size:
        return 0, samples
    start, end = int(sounding[0]) * hop, min(samples, (int(sounding[-1]) + 1) * hop)
    if end - start < frame:
        start = max(0, min(start, samples - frame))
        end = min(samples, start + frame)
    return start, end


def integrated_loudness(waveform: np.ndarray, sampling_rate: int) -> float:
    """Integrated loudness of a recording after ITU-R BS.1770-4, over all its channels.

    The K-weighting is that of pyloudnorm; the gating (the same blocks as there) is computed here, because
    pyloudnorm's meter changes Python's global warning filters, which threads must not do, and refuses signals
    shorter than a block. Such a signal is one block of its own length: padding it to 400 ms would make it
    seem softer the shorter it is.

    Args:
        waveform: float array (samples,) or (samples, channels). Six channels are taken as 5.1, whose low
            frequency channel does not count.
        sampling_rate: Hz.

    Returns:
        LUFS; −inf for silence and for what lies under the absolute gate of −70 LUFS as a whole.

    Raises:
        ValueError: more than six channels, for which no weights are defined.
    """
    channels = _with_channels(np.asarray(waveform, dtype=np.float64))
    if channels.shape[1] == 6:
        channels = np.delete(channels, _LOW_FREQUENCY_CHANNEL, axis=1)
    if channels.shape[1] > len(_CHANNEL_WEIGHTS):
        raise ValueError(f"loudness is defined for up to 6 channels. Received: {channels.shape[1]}")
    power = _block_power(_k_weighted(channels, sampling_rate), sampling_rate)
    power = power @ np.array(_CHANNEL_WEIGHTS[: channels.shape[1]])
    power = power[_lufs(power) >= LOWEST_LOUDNESS_LUFS]
    if not power.size:
        return -np.inf
    relative_gate = _lufs(power.mean()) - _RELATIVE_GATE_LU
    return float(_lufs(power[(_lufs(power) > relative_gate) & (_lufs(power) > LOWEST_LOUDNESS_LUFS)].mean()))


def gain_to(loudness_lufs: float, measured_lufs: float) -> float:
    """Gain in dB that brings a recording to a loudness; 0 for silence, which stays as it is."""
    return loudness_lufs - measured_lufs if np.isfinite(measured_lufs) else 0.0


def _with_channels(waveform: np.ndarray) -> np.ndarray:
    return waveform[:, None] if waveform.ndim == 1 else waveform


def _frame_power(channels: np.ndarray, frame: int, hop: int) -> np.ndarray:
    """Mean square of the centred frames, of the loudest channel; beyond the ends there is silence."""
    energy = np.cumsum(np.square(channels, dtype=np.float64), axis=0)
    energy = np.concatenate([np.zeros((1, channels.shape[1])), energy])
    starts = np.arange(0, len(channels) + 1, hop) - frame // 2
    before = np.clip(starts, 0, len(channels))
    after = np.clip(starts + frame, 0, len(channels))
    return (energy[after] - energy[before]).max(axis=1) / frame


def _k_weighted(channels: np.ndarray, sampling_rate: int) -> np.ndarray:
    import pyloudnorm  # brings scipy.signal, which takes its time

    weighted = channels.T
    for stage in pyloudnorm.Meter(sampling_rate)._filters.values():
        weighted = stage.apply_filter(weighted)
    return weighted.T


def _block_power(weighted: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Mean square of each block (blocks, channels)."""
    samples = len(weighted)
    if not samples:
        return weighted
    if samples < _BLOCK_S * sampling_rate:
        return np.square(weighted).mean(axis=0, keepdims=True)
    steps = (samples / sampling_rate - _BLOCK_S) / (_BLOCK_S / _BLOCKS_OVERLAP_PARTS)
    numbers = np.arange(int(np.round(steps)) + 1)
    starts = (_BLOCK_S * (numbers / _BLOCKS_OVERLAP_PARTS) * sampling_rate).astype(int)
    ends = (_BLOCK_S * (numbers / _BLOCKS_OVERLAP_PARTS + 1) * sampling_rate).astype(int)
    energy = np.concatenate([np.zeros((1, weighted.shape[1])), np.cumsum(np.square(weighted), axis=0)])
    return (energy[np.minimum(ends, samples)] - energy[starts]) / (_BLOCK_S * sampling_rate)


def _lufs(power: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)
