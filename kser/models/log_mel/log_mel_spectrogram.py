"""Waveform → log-mel spectrogram, inside the model's graph."""

import keras
import numpy as np
from keras import ops

from kser.models.power_spectrum import power_spectrum

MAX_MEL_BINS = 1024


@keras.saving.register_keras_serializable(package="kser")
class LogMelSpectrogram(keras.layers.Layer):
    """Logarithm of the energy in mel bands, one frame every `hop_length` samples.

    `keras.layers.MelSpectrogram` clips relative to the loudest value of the whole batch and centres its
    windows over padding; here a frame depends on its own `window_length` samples and on nothing else.

    Args:
        sampling_rate: int, Hz.
        window_length: int, samples of the Hann window and of the Fourier transform.
        hop_length: int, samples.
        num_mel_bins: int, bands (Slaney's scale and normalisation, as `librosa.filters.mel`).
        min_frequency: float, Hz, lower end of the lowest band.
        max_frequency: float, Hz, upper end of the highest.

    Call arguments:
        waveform: float tensor (batch, samples).

    Returns:
        float32 tensor (batch, 1 + (samples - window_length) // hop_length, num_mel_bins).
    """

    def __init__(
        self,
        sampling_rate=16000,
        window_length=512,
        hop_length=256,
        num_mel_bins=40,
        min_frequency=50.0,
        max_frequency=7600.0,
        **kwargs,
    ):
        # Energies span more powers of ten than half precision has: float32, and no casting of the input.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if max_frequency > sampling_rate / 2:
            raise ValueError(
                "`max_frequency` must not exceed half the sampling rate. "
                f"Received: max_frequency={max_frequency}, sampling_rate={sampling_rate}"
            )
        if window_length < 1 or hop_length < 1:
            raise ValueError(
                "`window_length` and `hop_length` must be at least 1. "
                f"Received: window_length={window_length}, hop_length={hop_length}"
            )
        most = min(MAX_MEL_BINS, window_length // 2 + 1)  # there are no more frequencies
        if not 1 <= num_mel_bins <= most:
            raise ValueError(
                f"`num_mel_bins` must be from 1 to {most}. "
                f"Received: num_mel_bins={num_mel_bins}, window_length={window_length}"
            )
        self.sampling_rate = sampling_rate
        self.window_length = window_length
        self.hop_length = hop_length
        self.num_mel_bins = num_mel_bins
        self.min_frequency = min_frequency
        self.max_frequency = max_frequency

    def build(self, waveform_shape):
        from librosa.filters import mel

        filters = mel(
            sr=self.sampling_rate,
            n_fft=self.window_length,
            n_mels=self.num_mel_bins,
            fmin=self.min_frequency,
            fmax=self.max_frequency,
        )
        self.mel_filters = np.ascontiguousarray(filters.T)  # (window_length // 2 + 1, num_mel_bins)

    def call(self, waveform):
        energy = ops.matmul(power_spectrum(waveform, self.window_length, self.hop_length), self.mel_filters)
        return ops.log(energy + 1e-5)

    def compute_output_spec(self, waveform):
        batch, samples = waveform.shape
        frames = None if samples is None else 1 + (samples - self.window_length) // self.hop_length
        return keras.KerasTensor((batch, frames, self.num_mel_bins), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "sampling_rate": self.sampling_rate,
            "window_length": self.window_length,
            "hop_length": self.hop_length,
            "num_mel_bins": self.num_mel_bins,
            "min_frequency": self.min_frequency,
            "max_frequency": self.max_frequency,
        }
