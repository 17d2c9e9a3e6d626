"""The data2vec-audio backbone."""

from typing import ClassVar

import keras

from kser.models.data2vec_audio import convert_data2vec_audio
from kser.models.data2vec_audio.stacked_position_convolution import StackedPositionConvolution
from kser.models.families import backbone_family
from kser.models.wav2vec2.speech_transformer_backbone import (
    FILTERS,
    KERNEL_SIZES,
    STRIDES,
    SpeechTransformerBackbone,
)


@backbone_family("data2vec_audio")
@keras.saving.register_keras_serializable(package="kser")
class Data2VecAudioBackbone(SpeechTransformerBackbone):
    """data2vec for audio: Wav2Vec 2.0 with several position convolutions after one another.

    Every convolution over the waveform has a layer norm, and transformer layers normalise after each part.
    The defaults are those of the published base model (93 million parameters, one frame every 20 ms), without
    what is random in training.

    Args:
        num_layers: int, transformer layers.
        num_heads: int, attention heads of each.
        hidden_dim: int, channels of the transformer.
        intermediate_dim: int, units of each feed-forward network.
        filters: list of int, channels of each convolution over the waveform.
        kernel_sizes: list of int, their kernel sizes.
        strides: list of int, their strides.
        use_conv_bias: bool, whether they have a bias.
        position_depth: int, position convolutions.
        position_kernel_size: int, frames that each of them sees.
        position_groups: int, their groups.
        mask_position_padding: bool, see `StackedPositionConvolution`; `False` repeats the published code, in
            which the padding of an utterance changes its last frames.
        layer_norm_epsilon: float.
        feature_dropout: float, after the projection of the convolutions' features.
        dropout: float, before the first and after each part of a transformer layer.
        attention_dropout: float, on attention weights.
        activation_dropout: float, inside the feed-forward networks.
        layer_drop: float, probability that a training step skips a transformer layer.
        spec_augment: dict, arguments of `SpecAugment`, which masks frames and channels in training; empty
            or `None` for none.
        dtype: string or `keras.DTypePolicy`.

    Source: Baevski et al. (2022), [data2vec](https://arxiv.org/abs/2202.03555). Hidden states equal those of
    `transformers.Data2VecAudioModel` from the same checkpoint, of padded utterances with
    `mask_position_padding=False`.

    Examples:

        backbone = Data2VecAudioBackbone.from_preset("facebook/data2vec-audio-base")
        outputs = backbone({"waveform": waveform, "padding_mask": mask})
        outputs["sequence_output"].shape   # (batch, frames, 768)
    """

    model_types = ("data2vec-audio",)
    padding_as_published: ClassVar = {"mask_position_padding": False}

    def __init__(
        self,
        num_layers=12,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
        filters=FILTERS,
        kernel_sizes=KERNEL_SIZES,
        strides=STRIDES,
        use_conv_bias=False,
        position_depth=5,
        position_kernel_size=19,
        position_groups=16,
        mask_position_padding=True,
        layer_norm_epsilon=1e-5,
        feature_dropout=0.0,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        layer_drop=0.0,
        spec_augment=None,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        position_convolution = StackedPositionConvolution(
            position_depth,
            position_kernel_size,
            position_groups,
            mask_position_padding,
            dtype=dtype,
            name="position_convolution",
        )

        # === Functional Model ===
        super().__init__(
            position_embedding=position_convolution,
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            intermediate_dim=intermediate_dim,
            filters=filters,
            kernel_sizes=kernel_sizes,
            strides=strides,
            use_conv_bias=use_conv_bias,
            feature_norm="layer",
            norm_first=False,
            layer_norm_epsilon=layer_norm_epsilon,
            feature_dropout=feature_dropout,
            dropout=dropout,
            attention_dropout=attention_dropout,
            activation_dropout=activation_dropout,
            layer_drop=layer_drop,
            spec_augment=spec_augment,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.position_depth = position_depth
        self.position_kernel_size = position_kernel_size
        self.position_groups = position_groups
        self.mask_position_padding = mask_position_padding

    @classmethod
    def convert_config(cls, checkpoint):
        return convert_data2vec_audio.convert_config(checkpoint)

    def convert_weights(self, checkpoint):
        convert_data2vec_audio.convert_weights(self, checkpoint)

    def get_config(self):
        config = super().get_config()
        del config["feature_norm"], config["norm_first"]
        return {
            **config,
            "position_depth": self.position_depth,
            "position_kernel_size": self.position_kernel_size,
            "position_groups": self.position_groups,
            "mask_position_padding": self.mask_position_padding,
        }
