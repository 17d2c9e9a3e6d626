"""Waveform → the log-mel frames that Whisper was trained on, inside the model's graph."""

import keras
import numpy as np
from keras import ops

from kser.models.power_spectrum import power_spectrum

WINDOW_LENGTH = 400
HOP_LENGTH = 160
# Two frames of the spectrogram become one of the encoder.
SAMPLES_PER_FRAME = 2 * HOP_LENGTH


@keras.saving.register_keras_serializable(package="kser")
class WhisperLogMel(keras.layers.Layer):
    """Log-mel frames every 10 ms, clipped 80 dB below the utterance's loudest and scaled, at 16 kHz.

    Padding is treated as silence, whatever it holds. An utterance's frames, and as many after its end as the
    encoder's convolutions require, do not depend on how far it is padded.

    Args:
        num_mel_bins: int, bands from 0 to 8 kHz (Slaney's scale and normalisation).
        maximum_samples: int, a multiple of 320; longer audio is cut there.
        pad_to_maximum: bool, whether every utterance is followed by silence up to `maximum_samples`, as in
            the published models, or by no more than the batch has.

    Call arguments:
        waveform: float tensor (batch, samples).
        padding_mask: bool tensor (batch, samples), true for samples, false for padding at the end.

    Returns:
        float32 tensor (batch, spectra, num_mel_bins) of 2·n + 1 or 2·n + 2 spectra for n frames of
        the encoder, see `WhisperFeatureEncoder`.

    Source: Radford et al. (2022), [Whisper](https://arxiv.org/abs/2212.04356), section 2.2, in the form of
    `WhisperFeatureExtractor` of transformers.
    """

    def __init__(self, num_mel_bins=80, maximum_samples=480000, pad_to_maximum=True, **kwargs):
        # Energies span more powers of ten than half precision has: float32, and no casting of the input.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if not 1 <= num_mel_bins <= WINDOW_LENGTH // 2 + 1:
            raise ValueError(
                f"`num_mel_bins` must be from 1 to {WINDOW_LENGTH // 2 + 1}. "
                f"Received: num_mel_bins={num_mel_bins}"
            )
        self.num_mel_bins = num_mel_bins
        self.maximum_samples = maximum_samples
        self.pad_to_maximum = pad_to_maximum

    def build(self, waveform_shape, padding_mask_shape):
        from librosa.filters import mel

        filters = mel(sr=16000, n_fft=WINDOW_LENGTH, n_mels=self.num_mel_bins, fmin=0.0, fmax=8000.0)
        self.mel_filters = np.ascontiguousarray(filters.T)  # (WINDOW_LENGTH // 2 + 1, num_mel_bins)

    def call(self, waveform, padding_mask):
        # A choice and not a product: the padding may hold anything, even NaN.
        sound = self._of_full_length(ops.where(padding_mask, waveform, ops.zeros_like(waveform)))
        edge = WINDOW_LENGTH // 2  # windows are centred, and mirror the sound at its ends
        sound = ops.concatenate(
            [ops.flip(sound[:, 1 : edge + 1], axis=1), sound, ops.flip(sound[:, -edge - 1 : -1], axis=1)],
            axis=1,
        )
        energy = ops.matmul(power_spectrum(sound, WINDOW_LENGTH, HOP_LENGTH), self.mel_filters)
        bels = ops.log10(ops.maximum(energy, 1e-10))
        if self.pad_to_maximum:
            bels = bels[:, :-1]  # the published extractor drops the window at the very end
        loudest = ops.max(bels, axis=(1, 2), keepdims=True)
        spectra = (ops.maximum(bels, loudest - 8.0) + 4.0) / 4.0
        # ... and after it the published convolutions pad with zeros.
        return ops.pad(spectra, [[0, 0], [0, 1], [0, 0]]) if self.pad_to_maximum else spectra

    def _of_full_length(self, sound):
        """Cut and padded with silence: to the maximum, or so that the last frame sees what comes after it."""
        behind = self.maximum_samples if self.pad_to_maximum else SAMPLES_PER_FRAME - 1
        if self.pad_to_maximum:
            return ops.pad(sound, [[0, 0], [0, behind]])[:, :behind]
        return ops.pad(sound[:, : self.maximum_samples], [[0, 0], [0, behind]])

    def compute_output_spec(self, waveform, padding_mask):
        batch, samples = waveform.shape
        spectra = None
        if self.pad_to_maximum:
            spectra = self.maximum_samples // HOP_LENGTH + 1
        elif samples is not None:
            spectra = (min(samples, self.maximum_samples) + SAMPLES_PER_FRAME - 1) // HOP_LENGTH + 1
        return keras.KerasTensor((batch, spectra, self.num_mel_bins), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_mel_bins": self.num_mel_bins,
            "maximum_samples": self.maximum_samples,
            "pad_to_maximum": self.pad_to_maximum,
        }
