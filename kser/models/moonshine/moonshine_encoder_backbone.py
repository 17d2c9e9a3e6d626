"""The encoder of Moonshine as a speech backbone."""

import keras

from kser.models.families import backbone_family
from kser.models.moonshine import convert_moonshine
from kser.models.moonshine.moonshine_feature_encoder import (
    KERNEL_SIZES,
    STRIDES,
    FirstSampleFrameMask,
    MoonshineFeatureEncoder,
)
from kser.models.moonshine.moonshine_reference import MoonshineReference
from kser.models.moonshine.rotary_transformer_layer import RotaryPositions, RotaryTransformerLayer
from kser.models.speech_backbone import SpeechBackbone, states_of
from kser.models.wav2vec2.feature_encoder import FrameMask


@backbone_family("moonshine")
@keras.saving.register_keras_serializable(package="kser")
class MoonshineEncoderBackbone(SpeechBackbone):
    """The encoder of Moonshine, built from KerasHub's layers, without the decoder.

    It takes waveforms at 16 kHz that are not normalised, of any length from 56 ms, and gives a frame every
    24 ms. Positions are rotations of queries and keys.

    The published model normalises the features of an utterance together with its padding, and attends to
    frames at its end that see padding, so that a padded utterance gives a different result than the
    same one by itself. Here both give the same: what the published model gives for it by itself.

    The defaults are those of the tiny model (8 million parameters in the encoder).

    Args:
        num_layers: int, transformer layers.
        num_heads: int, attention heads of each.
        hidden_dim: int, channels of the convolutions and the transformer.
        intermediate_dim: int, units of each feed-forward network, a multiple of `hidden_dim`.
        rotary_dim: int, channels of a head that are turned; even.
        rotary_base: float, see `RotaryPositions`.
        attention_dropout: float, on attention weights.
        mask_feature_padding: bool, `False` for the published treatment of padding: it is part of the
            normalisation, and a frame counts if it begins within the sound.
        dtype: string or `keras.DTypePolicy`.

    Source: Jeffries et al. (2024), [Moonshine: Speech Recognition for Live Transcription and Voice
    Commands](https://arxiv.org/abs/2410.15608). Hidden states equal those of the encoder of
    `transformers.MoonshineModel` from the same checkpoint.

    Examples:

        backbone = MoonshineEncoderBackbone.from_preset("UsefulSensors/moonshine-tiny")
        outputs = backbone({"waveform": waveform, "padding_mask": mask})
        outputs["sequence_output"].shape   # (batch, frames, 288)
    """

    model_types = ("moonshine",)
    normalizes_audio = False
    transformers_reference = MoonshineReference

    def __init__(
        self,
        num_layers=6,
        num_heads=8,
        hidden_dim=288,
        intermediate_dim=1152,
        rotary_dim=32,
        rotary_base=10000.0,
        attention_dropout=0.0,
        mask_feature_padding=True,
        dtype=None,
        **kwargs,
    ):
        if intermediate_dim % hidden_dim or hidden_dim % num_heads:
            raise ValueError(
                "`hidden_dim` must divide `intermediate_dim`, and `num_heads` must divide `hidden_dim`. "
                f"Received: hidden_dim={hidden_dim}, intermediate_dim={intermediate_dim}, "
                f"num_heads={num_heads}"
            )
        if rotary_dim > hidden_dim // num_heads:
            raise ValueError(
                "`rotary_dim` must not exceed the channels of a head. "
                f"Received: rotary_dim={rotary_dim}, channels={hidden_dim // num_heads}"
            )

        # === Layers ===
        feature_encoder = MoonshineFeatureEncoder(
            hidden_dim, mask_feature_padding, dtype=dtype, name="feature_encoder"
        )
        frame_mask_layer = (
            FrameMask(KERNEL_SIZES, STRIDES, dtype=dtype, name="frame_mask")
            if mask_feature_padding
            else FirstSampleFrameMask(dtype=dtype, name="frame_mask")
        )
        positions = RotaryPositions(rotary_dim, rotary_base, name="rotary_positions")
        transformer_layers = [
            RotaryTransformerLayer(
                hidden_dim,
                intermediate_dim,
                num_heads,
                feedforward_expansion_factor=intermediate_dim // hidden_dim,
                attention_dropout=attention_dropout,
                dtype=dtype,
                name=f"transformer_layer_{index}",
            )
            for index in range(num_layers)
        ]
        encoder_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, center=False, dtype=dtype, name="encoder_norm"
        )

        def states_above(number, x, frame_mask):
            return states_of(transformer_layers[number:], x, [*positions(x), frame_mask], encoder_norm)

        # === Functional Model ===
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        x = feature_encoder(waveform, padding_mask)
        frame_mask = frame_mask_layer(x, padding_mask)
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
        self.rotary_dim = rotary_dim
        self.rotary_base = rotary_base
        self.attention_dropout = attention_dropout
        self.mask_feature_padding = mask_feature_padding
        self.feature_encoder = feature_encoder
        self.states_above = states_above
        self.hidden_states = tuple(hidden_states)  # Keras would wrap a list, and JAX refuses the wrapper

    @classmethod
    def convert_config(cls, checkpoint):
        return convert_moonshine.convert_config(checkpoint)

    def convert_weights(self, checkpoint):
        convert_moonshine.convert_weights(self, checkpoint)

    @property
    def transformer_layers(self):
        """The transformer layers, from the first to the last."""
        return [self.get_layer(f"transformer_layer_{index}") for index in range(self.num_layers)]

    @property
    def minimum_samples(self):
        samples = 1
        for kernel_size, stride in zip(reversed(KERNEL_SIZES), reversed(STRIDES), strict=True):
            samples = (samples - 1) * stride + kernel_size
        return samples

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "num_layers": self.num_layers,
                "num_heads": self.num_heads,
                "hidden_dim": self.hidden_dim,
                "intermediate_dim": self.intermediate_dim,
                "rotary_dim": self.rotary_dim,
                "rotary_base": self.rotary_base,
                "attention_dropout": self.attention_dropout,
                "mask_feature_padding": self.mask_feature_padding,
            }
        )
        return config
