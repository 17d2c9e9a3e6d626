"""Masks of bands and stretches of a waveform's spectrogram, called as audiomentations' classes are.

After SpecAugment (Park et al. 2019, https://arxiv.org/abs/1904.08779), but on the waveform, so that it serves
models that take waveforms. What is masked is taken out of the short-time Fourier transform and the rest is
put together again; as only the difference is transformed back, samples that no mask touches stay as they are.
"""

import inspect
import random
from typing import Any

import numpy as np
from audiomentations.core.transforms_interface import BaseWaveformTransform
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

_LEAST_WINDOW_SAMPLES = 16


class _SpectrogramMask(BaseWaveformTransform):
    """What both masks share.

    Args:
        masks: how many there are.
        gain_db: what is masked becomes so much louder, a negative number; `None` takes it out.
        window_s: length of the analysis window (Hann, overlapping by three quarters), in s.
        p: probability that an utterance is masked.
    """

    supports_multichannel = True

    def __init__(self, masks: int, gain_db: float | None, window_s: float, p: float):
        super().__init__(p)
        if masks < 1 or masks != int(masks):
            raise ValueError(f"masks must be a whole number of at least 1, got {masks}")
        if gain_db is not None and not gain_db < 0:
            raise ValueError(f"gain_db must be negative, or null to take out what is masked, got {gain_db}")
        if not window_s > 0:
            raise ValueError(f"window_s must be positive, got {window_s}")
        self.masks = masks
        self.gain_db = gain_db
        self.window_s = window_s

    def get_transform_init_args(self) -> dict[str, Any]:
        """Arguments of the constructor; the inherited method warns of those that are `None`."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def randomize_parameters(self, samples: np.ndarray, sample_rate: int) -> None:
        """Draw the spans that are masked, in Hz or s."""
        super().randomize_parameters(samples, sample_rate)
        if self.parameters["should_apply"]:
            limits = self._limits(samples.shape[-1], sample_rate)
            self.parameters["spans"] = [_drawn_span(*limits) for _ in range(self.masks)]

    def apply(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """The waveform without the spans of its spectrogram, float32 of the shape given."""
        window = max(_LEAST_WINDOW_SAMPLES, round(self.window_s * sample_rate))
        transform = ShortTimeFFT(hann(window, sym=False), hop=window // 4, fs=sample_rate)
        length = samples.shape[-1]
        # The transform needs at least half a window of samples.
        room = max(length, window)
        padded = np.zeros((*samples.shape[:-1], room))
        padded[..., :length] = samples
        spectrogram = transform.stft(padded)  # (…, frequencies, frames)
        masked = self._masked(transform, room)
        share = 1.0 if self.gain_db is None else 1.0 - 10.0 ** (self.gain_db / 20.0)
        taken = transform.istft(spectrogram * masked * share, k1=room)[..., :length]
        return (samples - taken).astype(np.float32)

    def _limits(self, length: int, sample_rate: int) -> tuple[float, float, float, float]:
        """Narrowest and widest span, and the lowest and highest place of one, in Hz or s."""
        raise NotImplementedError

    def _masked(self, transform: ShortTimeFFT, samples: int) -> np.ndarray:
        """What is masked, bool, broadcasting to (frequencies, frames)."""
        raise NotImplementedError


class FrequencyMask(_SpectrogramMask):
    """Takes bands of frequencies out of the whole utterance.

    Args:
        min_width_hz: of the narrowest band.
        max_width_hz: of the widest band.
        min_frequency_hz: below which nothing is masked.
        max_frequency_hz: above which nothing is masked; `None`: half the sampling rate.
        masks: how many bands; they may overlap.
        gain_db: what is masked becomes so much louder, a negative number; `None` takes it out.
        window_s: length of the analysis window in s; a longer one makes sharper edges.
        p: probability that an utterance is masked.
    """

    def __init__(
        self,
        min_width_hz: float = 100.0,
        max_width_hz: float = 1000.0,
        min_frequency_hz: float = 0.0,
        max_frequency_hz: float | None = None,
        masks: int = 1,
        gain_db: float | None = None,
        window_s: float = 0.064,
        p: float = 0.5,
    ):
        super().__init__(masks, gain_db, window_s, p)
        if not 0 < min_width_hz <= max_width_hz:
            raise ValueError(
                f"must be 0 < min_width_hz ≤ max_width_hz, got {min_width_hz} and {max_width_hz}"
            )
        if min_frequency_hz < 0 or (max_frequency_hz is not None and max_frequency_hz <= min_frequency_hz):
            raise ValueError(
                f"must be 0 ≤ min_frequency_hz < max_frequency_hz, got {min_frequency_hz} and "
                f"{max_frequency_hz}"
            )
        self.min_width_hz = min_width_hz
        self.max_width_hz = max_width_hz
        self.min_frequency_hz = min_frequency_hz
        self.max_frequency_hz = max_frequency_hz

    def _limits(self, length: int, sample_rate: int) -> tuple[float, float, float, float]:
        highest = min(sample_rate / 2, self.max_frequency_hz or sample_rate / 2)
        room = highest - self.min_frequency_hz
        if room <= 0:
            raise ValueError(
                f"min_frequency_hz ({self.min_frequency_hz}) is not below half the sampling rate "
                f"({sample_rate / 2})"
            )
        return self.min_width_hz, min(self.max_width_hz, room), self.min_frequency_hz, highest

    def _masked(self, transform: ShortTimeFFT, samples: int) -> np.ndarray:
        return _within(transform.f, transform.delta_f, self.parameters["spans"])[:, np.newaxis]


class TimeMask(_SpectrogramMask):
    """Takes stretches of time out of the utterance, with the soft edges of the analysis window.

    Args:
        min_width_s: of the shortest stretch, in s.
        max_width_s: of the longest stretch, in s.
        max_width_share: of the utterance, 0–1, that no stretch is longer than.
        masks: how many stretches; they may overlap.
        gain_db: what is masked becomes so much louder, a negative number; `None` takes it out.
        window_s: length of the analysis window in s; a shorter one makes sharper edges.
        p: probability that an utterance is masked.
    """

    def __init__(
        self,
        min_width_s: float = 0.05,
        max_width_s: float = 0.3,
        max_width_share: float = 0.2,
        masks: int = 1,
        gain_db: float | None = None,
        window_s: float = 0.02,
        p: float = 0.5,
    ):
        super().__init__(masks, gain_db, window_s, p)
        if not 0 < min_width_s <= max_width_s:
            raise ValueError(f"must be 0 < min_width_s ≤ max_width_s, got {min_width_s} and {max_width_s}")
        if not 0 < max_width_share <= 1:
            raise ValueError(f"must be 0 < max_width_share ≤ 1, got {max_width_share}")
        self.min_width_s = min_width_s
        self.max_width_s = max_width_s
        self.max_width_share = max_width_share

    def _limits(self, length: int, sample_rate: int) -> tuple[float, float, float, float]:
        duration_s = length / sample_rate
        return self.min_width_s, min(self.max_width_s, self.max_width_share * duration_s), 0.0, duration_s

    def _masked(self, transform: ShortTimeFFT, samples: int) -> np.ndarray:
        return _within(transform.t(samples), transform.delta_t, self.parameters["spans"])


def _drawn_span(min_width: float, max_width: float, lowest: float, highest: float) -> tuple[float, float]:
    """A span between `lowest` and `highest`, narrower than `min_width` where `max_width` is."""
    width = random.uniform(min(min_width, max_width), max_width)
    start = random.uniform(lowest, highest - width)
    return start, start + width


def _within(places: np.ndarray, step: float, spans: list[tuple[float, float]]) -> np.ndarray:
    """Which of the evenly spaced places lie in a span, bool; of a span between two places, the nearest."""
    inside = np.zeros(len(places), dtype=bool)
    for start, stop in spans:
        middle = (start + stop) / 2
        half = max((stop - start) / 2, step / 2)
        inside |= (places >= middle - half) & (places < middle + half)
    return inside
