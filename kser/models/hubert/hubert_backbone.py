"""The HuBERT backbone."""

from typing import ClassVar

import keras

from kser.models.families import backbone_family
from kser.models.hubert import convert_hubert
from kser.models.hubert.batch_norm_position_convolution import BatchNormPositionConvolution
from kser.models.wav2vec2.position_convolution import PositionConvolution
from kser.models.wav2vec2.speech_transformer_backbone import (
    FILTERS,
    KERNEL_SIZES,
    STRIDES,
    SpeechTransformerBackbone,
)


@backbone_family("hubert")
@keras.saving.register_keras_serializable(package="kser")
class HubertBackbone(SpeechTransformerBackbone):
    """HuBERT and DistilHuBERT: the architecture of Wav2Vec 2.0 except for two options.

    The defaults are those of the published base model (95 million parameters, one frame every 20 ms), without
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
        feature_norm: `"group"` (base models) or `"layer"` (large models), see `FeatureEncoder`.
        feature_projection_norm: bool, whether the convolutions' features are normalised before they are
            projected; `False` for DistilHuBERT.
        norm_first: bool, `True` for models with "stable layer norm".
        position_kernel_size: int, frames that the position convolution sees.
        position_groups: int, its groups.
        position_batch_norm: bool, a batch norm before it in place of its weight norm; `True` for
            `slprl/mhubert-base-25hz`.
        mask_position_padding: bool, see `BatchNormPositionConvolution`; without batch norm the padding is
            zero, and both are the same.
        layer_norm_epsilon: float.
        feature_dropout: float, after the projection of the convolutions' features.
        dropout: float, before the first and after each part of a transformer layer.
        attention_dropout: float, on attention weights.
        activation_dropout: float, inside the feed-forward networks.
        layer_drop: float, probability that a training step skips a transformer layer.
        spec_augment: dict, arguments of `SpecAugment`, which masks frames and channels in training; empty
            or `None` for none.
        dtype: string or `keras.DTypePolicy`.

    Source: Hsu et al. (2021), [HuBERT](https://arxiv.org/abs/2106.07447); Chang et al. (2021),
    [DistilHuBERT](https://arxiv.org/abs/2110.01900). Hidden states equal those of `transformers.HubertModel`
    from the same checkpoint.

    Examples:

        backbone = HubertBackbone.from_preset("facebook/hubert-base-ls960")
        outputs = backbone({"waveform": waveform, "padding_mask": mask})
        outputs["sequence_output"].shape   # (batch, frames, 768)
    """

    model_types = ("hubert",)
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
        feature_norm="group",
        feature_projection_norm=True,
        norm_first=False,
        position_kernel_size=128,
        position_groups=16,
        position_batch_norm=False,
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
        arguments = {"dtype": dtype, "name": "position_convolution"}
        position_convolution: keras.layers.Layer = (
            BatchNormPositionConvolution(
                position_kernel_size, position_groups, mask_position_padding, **arguments
            )
            if position_batch_norm
            else PositionConvolution(position_kernel_size, position_groups, **arguments)
        )

        def position_embedding(frames, frame_mask):
            context = [frame_mask] if position_batch_norm else []
            return position_convolution(frames, *context)

        # === Functional Model ===
        super().__init__(
            position_embedding=position_embedding,
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            intermediate_dim=intermediate_dim,
            filters=filters,
            kernel_sizes=kernel_sizes,
            strides=strides,
            use_conv_bias=use_conv_bias,
            feature_norm=feature_norm,
            feature_projection_norm=feature_projection_norm,
            norm_first=norm_first,
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
        self.feature_projection_norm = feature_projection_norm
        self.position_kernel_size = position_kernel_size
        self.position_groups = position_groups
        self.position_batch_norm = position_batch_norm
        self.mask_position_padding = mask_position_padding

    @classmethod
    def convert_config(cls, checkpoint):
        return convert_hubert.convert_config(checkpoint)

    def convert_weights(self, checkpoint):
        convert_hubert.convert_weights(self, checkpoint)

    def get_config(self):
        return {
            **super().get_config(),
            "feature_projection_norm": self.feature_projection_norm,
            "position_kernel_size": self.position_kernel_size,
            "position_groups": self.position_groups,
            "position_batch_norm": self.position_batch_norm,
            "mask_position_padding": self.mask_position_padding,
        }
