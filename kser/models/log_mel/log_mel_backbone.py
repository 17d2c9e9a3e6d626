"""The log-mel baseline backbone."""

import keras

from kser.models.families import backbone_family
from kser.models.initializers import SeededHeNormal
from kser.models.log_mel.log_mel_spectrogram import LogMelSpectrogram
from kser.models.speech_backbone import SpeechBackbone
from kser.models.wav2vec2.feature_encoder import FrameMask, MaskedGroupNormalization, ZeroPaddedFrames


@backbone_family("log_mel")
@keras.saving.register_keras_serializable(package="kser")
class LogMelBackbone(SpeechBackbone):
    """Log-mel spectrogram, then convolutions over time: the baseline to beat, trained from scratch.

    Same interface as the pretrained backbones. Each mel band is normalised over the utterance, which removes
    the average spectrum of speaker and channel (without it, unseen speakers of EmoDB and of the synthetic
    corpus are recognised worse). Each convolution is followed by batch normalisation, ReLU and
    dropout. Padded frames stay out of all statistics and are zero at the input of a convolution, so that an
    utterance's result does not depend on its padding.

    Args:
        filters: list of int, channels of each convolution.
        kernel_sizes: list of int, in frames.
        dropout: float, share of channels dropped after each convolution in training.
        sampling_rate: int, Hz.
        window_length: int, samples.
        hop_length: int, samples.
        num_mel_bins: int.
        dtype: string or `keras.DTypePolicy`.
    """

    def __init__(
        self,
        filters=(64, 64, 64, 64),
        kernel_sizes=(9, 9, 9, 9),
        dropout=0.0,
        sampling_rate=16000,
        window_length=512,
        hop_length=256,
        num_mel_bins=40,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        spectrogram = LogMelSpectrogram(
            sampling_rate,
            window_length,
            hop_length,
            num_mel_bins,
            max_frequency=0.475 * sampling_rate,
            name="log_mel_spectrogram",
        )
        frame_mask_layer = FrameMask([window_length], [hop_length], dtype=dtype, name="frame_mask")
        # The padding may hold anything, even NaN.
        zero_padded_spectra = ZeroPaddedFrames(dtype="float32", name="zero_padded_spectra")
        band_norm = MaskedGroupNormalization(dtype=dtype, name="band_norm")
        blocks = [
            (
                ZeroPaddedFrames(dtype=dtype, name=f"zero_padded_frames_{index}"),
                keras.layers.Conv1D(
                    channels,
                    kernel_size,
                    padding="same",
                    kernel_initializer=SeededHeNormal(),
                    use_bias=False,
                    dtype=dtype,
                    name=f"convolution_{index}",
                ),
                # Keras' momentum of 0.99 lags hundreds of updates behind, more than a small corpus has.
                keras.layers.BatchNormalization(momentum=0.9, dtype=dtype, name=f"norm_{index}"),
                keras.layers.ReLU(dtype=dtype, name=f"relu_{index}"),
                keras.layers.SpatialDropout1D(dropout, dtype=dtype, name=f"dropout_{index}"),
            )
            for index, (channels, kernel_size) in enumerate(zip(filters, kernel_sizes, strict=True))
        ]

        # === Functional Model ===
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        spectra = spectrogram(waveform)
        frame_mask = frame_mask_layer(spectra, padding_mask)
        x = band_norm(zero_padded_spectra(spectra, frame_mask), frame_mask)
        hidden_states = [x]
        for zero_padding, convolution, norm, relu, dropout_layer in blocks:
            x = convolution(zero_padding(x, frame_mask))
            x = dropout_layer(relu(norm(x, mask=frame_mask)))
            hidden_states.append(x)
        super().__init__(
            inputs={"waveform": waveform, "padding_mask": padding_mask},
            outputs={"sequence_output": x, "frame_mask": frame_mask},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.filters = list(filters)
        self.kernel_sizes = list(kernel_sizes)
        self.dropout = dropout
        self.sampling_rate = sampling_rate
        self.window_length = window_length
        self.hop_length = hop_length
        self.num_mel_bins = num_mel_bins
        self.hidden_states = tuple(hidden_states)  # Keras would wrap a list, and JAX refuses the wrapper

    @property
    def minimum_samples(self):
        return self.window_length

    @property
    def samples_per_frame(self):
        return self.hop_length

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_sizes": self.kernel_sizes,
                "dropout": self.dropout,
                "sampling_rate": self.sampling_rate,
                "window_length": self.window_length,
                "hop_length": self.hop_length,
                "num_mel_bins": self.num_mel_bins,
            }
        )
        return config
