"""The encoder of Whisper as a speech backbone."""

from typing import ClassVar

import keras
import keras_hub
import numpy as np
from keras import ops

from kser.models.families import backbone_family
from kser.models.hashed_dropout import HashedDropout
from kser.models.speech_backbone import SpeechBackbone, states_of
from kser.models.whisper import convert_whisper
from kser.models.whisper.whisper_feature_encoder import (
    CentredFrameMask,
    WhisperFeatureEncoder,
    ZeroingSpecAugment,
)
from kser.models.whisper.whisper_log_mel import HOP_LENGTH, SAMPLES_PER_FRAME, WhisperLogMel
from kser.models.whisper.whisper_reference import WhisperReference
from kser.models.whisper.whisper_transformer_layer import WhisperTransformerLayer


@keras.saving.register_keras_serializable(package="kser")
class SinusoidalPositions(keras.initializers.Initializer):
    """Sines, then cosines, of wavelengths from 2π to 10000·2π frames: the position embedding of Whisper."""

    def __call__(self, shape, dtype=None):
        frames, channels = shape
        steps = np.arange(channels // 2) / max(1, channels // 2 - 1)
        angles = np.arange(frames)[:, None] * 10000.0**-steps
        return ops.convert_to_tensor(np.concatenate([np.sin(angles), np.cos(angles)], axis=1), dtype=dtype)

    def get_config(self):
        return {}


@backbone_family("whisper")
@keras.saving.register_keras_serializable(package="kser")
class WhisperEncoderBackbone(SpeechBackbone):
    """The encoder of Whisper, log-mel front end included, built from KerasHub's layers.

    KerasHub's `WhisperBackbone` has the decoder as well, more than half of the weights, and takes
    log-mel features; this one has the interface of the other speech backbones. It takes waveforms at 16 kHz
    that are not normalised, and gives a frame every 20 ms.

    Whisper has no padding mask. In training every recording was padded to 30 s with silence, which
    the attention sees. So does `pad_to_maximum=True`, the published recipe: an utterance of 3 s costs as
    much as one of 30 s (more than ten times the work), all 1500 frames are in the output, and
    `frame_mask` says which of them lie within the sound, so that pooling leaves the silence out.
    `pad_to_maximum=False` computes no more frames than the batch has and keeps attention within each
    utterance: the hidden states before the first layer are the same, those after it differ from the
    published model's, which only fine-tuning can make up for. With either, an utterance gives the same
    result however far it is padded.

    Audio longer than `maximum_samples` is cut there, as by the published feature extractor.

    The defaults are those of the tiny model (8 million parameters in the encoder), without what is random in
    training.

    Args:
        num_layers: int, transformer layers.
        num_heads: int, attention heads of each.
        hidden_dim: int, channels of the convolutions and the transformer.
        intermediate_dim: int, units of each feed-forward network.
        num_mel_bins: int, bands of the spectrogram; 128 for large-v3 and its turbo.
        max_frames: int, frames that have a position embedding, 20 ms each.
        pad_to_maximum: bool, see above.
        dropout: float, before the first and after each part of a transformer layer.
        attention_dropout: float, on attention weights.
        activation_dropout: float, inside the feed-forward networks.
        layer_drop: float, probability that a training step skips a transformer layer.
        spec_augment: dict, arguments of `SpecAugment`, which sets spans of the spectrogram to zero in
            training (lengths are in frames of 10 ms and in mel bands); empty or `None` for none.
        dtype: string or `keras.DTypePolicy`.

    Source: Radford et al. (2022), [Robust Speech Recognition via Large-Scale Weak
    Supervision](https://arxiv.org/abs/2212.04356). Hidden states equal those of the encoder of
    `transformers.WhisperModel` on the features of its `WhisperFeatureExtractor`.

    Examples:

        backbone = WhisperEncoderBackbone.from_preset("openai/whisper-base")
        outputs = backbone({"waveform": waveform, "padding_mask": mask})
        outputs["sequence_output"].shape   # (batch, 1500, 512)
    """

    model_types = ("whisper",)
    normalizes_audio = False
    published_pooling: ClassVar = {"include_padding": True}
    transformers_reference = WhisperReference

    def __init__(
        self,
        num_layers=4,
        num_heads=6,
        hidden_dim=384,
        intermediate_dim=1536,
        num_mel_bins=80,
        max_frames=1500,
        pad_to_maximum=True,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        layer_drop=0.0,
        spec_augment=None,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        log_mel = WhisperLogMel(num_mel_bins, max_frames * SAMPLES_PER_FRAME, pad_to_maximum, name="log_mel")
        augment = None
        if spec_augment:
            augment = ZeroingSpecAugment(**spec_augment, dtype="float32", name="spec_augmentation")
        feature_encoder = WhisperFeatureEncoder(hidden_dim, dtype=dtype, name="feature_encoder")
        frame_mask_layer = CentredFrameMask(SAMPLES_PER_FRAME, dtype=dtype, name="frame_mask")
        position_embedding = keras_hub.layers.PositionEmbedding(
            max_frames,
            initializer=SinusoidalPositions(),
            trainable=False,
            dtype=dtype,
            name="position_embedding",
        )
        encoder_dropout = HashedDropout(dropout, dtype=dtype, name="encoder_dropout")
        transformer_layers = [
            WhisperTransformerLayer(
                num_heads,
                intermediate_dim,
                dropout,
                attention_dropout,
                activation_dropout,
                layer_drop,
                dtype=dtype,
                name=f"transformer_layer_{index}",
            )
            for index in range(num_layers)
        ]
        encoder_norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name="encoder_norm")

        def states_above(number, x, frame_mask):
            context = [] if pad_to_maximum else [frame_mask]
            return states_of(transformer_layers[number:], x, context, encoder_norm)

        # === Functional Model ===
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        spectra = log_mel(waveform, padding_mask)
        if augment is not None:
            spectra = augment(
                spectra, CentredFrameMask(HOP_LENGTH, name="spectra_mask")(spectra, padding_mask)
            )
        features = feature_encoder(spectra)
        frame_mask = frame_mask_layer(features, padding_mask)
        x = keras.layers.Add(dtype=dtype, name="add_position")([features, position_embedding(features)])
        x = encoder_dropout(x)
        hidden_states = [x, *states_above(0, x, frame_mask)]
        super().__init__(
            inputs={"waveform": waveform, "padding_mask": padding_mask},
            outputs={"sequence_output": hidden_states[-1], "frame_mask": frame_mask},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.num_mel_bins = num_mel_bins
        self.max_frames = max_frames
        self.pad_to_maximum = pad_to_maximum
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.activation_dropout = activation_dropout
        self.layer_drop = layer_drop
        self.spec_augment = dict(spec_augment) if spec_augment else None
        self.convolutions = feature_encoder  # weights are saved under the first attribute: always this one
        if not pad_to_maximum and not spec_augment:
            # What other code may keep and start from: the features of the sound, from which alone the rest
            # is computed. With the silence the rest sees more, and SpecAugment comes before them.
            self.feature_encoder = feature_encoder
        self.states_above = states_above
        self.hidden_states = tuple(hidden_states)  # Keras would wrap a list, and JAX refuses the wrapper

    @classmethod
    def convert_config(cls, checkpoint):
        return convert_whisper.convert_config(checkpoint)

    def convert_weights(self, checkpoint):
        convert_whisper.convert_weights(self, checkpoint)

    def freeze_feature_encoder(self):
        self.convolutions.trainable = False

    @property
    def transformer_layers(self):
        """The transformer layers, from the first to the last."""
        return [self.get_layer(f"transformer_layer_{index}") for index in range(self.num_layers)]

    @property
    def arguments_for_feature_encoder(self):
        needed = {"pad_to_maximum": False, "spec_augment": None}
        return {name: value for name, value in needed.items() if getattr(self, name) != value}

    @property
    def minimum_samples(self):
        return 1

    @property
    def samples_per_frame(self):
        return SAMPLES_PER_FRAME

    @property
    def maximum_samples(self):
        """Samples that have a position embedding; longer audio is cut there."""
        return self.max_frames * SAMPLES_PER_FRAME

    @property
    def padded_samples(self):
        return self.maximum_samples if self.pad_to_maximum else None

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "num_layers": self.num_layers,
                "num_heads": self.num_heads,
                "hidden_dim": self.hidden_dim,
                "intermediate_dim": self.intermediate_dim,
                "num_mel_bins": self.num_mel_bins,
                "max_frames": self.max_frames,
                "pad_to_maximum": self.pad_to_maximum,
                "dropout": self.dropout,
                "attention_dropout": self.attention_dropout,
                "activation_dropout": self.activation_dropout,
                "layer_drop": self.layer_drop,
                "spec_augment": dict(self.spec_augment) if self.spec_augment else None,
            }
        )
        return config
