"""The WavLM backbone."""

import keras

from kser.models.families import backbone_family
from kser.models.wav2vec2.position_convolution import PositionConvolution
from kser.models.wav2vec2.speech_transformer_backbone import (
    FILTERS,
    KERNEL_SIZES,
    STRIDES,
    SpeechTransformerBackbone,
)
from kser.models.wavlm import convert_wavlm
from kser.models.wavlm.gated_transformer_layer import GatedTransformerLayer
from kser.models.wavlm.relative_position_bias import RelativePositionBias


@backbone_family("wavlm")
@keras.saving.register_keras_serializable(package="kser")
class WavLMBackbone(SpeechTransformerBackbone):
    """WavLM: Wav2Vec 2.0 whose attention knows the distance of two frames by a gated, learned bias.

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
        norm_first: bool, `True` for models with "stable layer norm".
        position_kernel_size: int, frames that the position convolution sees.
        position_groups: int, its groups.
        num_buckets: int, of distances, see `RelativePositionBias`.
        max_distance: int, frames, where the last bucket begins.
        layer_norm_epsilon: float.
        feature_dropout: float, after the projection of the convolutions' features.
        dropout: float, before the first and after each part of a transformer layer.
        attention_dropout: float, on attention weights.
        activation_dropout: float, inside the feed-forward networks.
        layer_drop: float, probability that a training step skips a transformer layer; never the first.
        spec_augment: dict, arguments of `SpecAugment`, which masks frames and channels in training; empty
            or `None` for none.
        dtype: string or `keras.DTypePolicy`.

    Source: Chen et al. (2022), [WavLM](https://arxiv.org/abs/2110.13900). Hidden states equal those of
    `transformers.WavLMModel` from the same checkpoint.

    Examples:

        backbone = WavLMBackbone.from_preset("microsoft/wavlm-base-plus")
        outputs = backbone({"waveform": waveform, "padding_mask": mask})
        outputs["sequence_output"].shape   # (batch, frames, 768)
    """

    model_types = ("wavlm",)

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
        norm_first=False,
        position_kernel_size=128,
        position_groups=16,
        num_buckets=320,
        max_distance=800,
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
        position_convolution = PositionConvolution(
            position_kernel_size, position_groups, dtype=dtype, name="position_convolution"
        )
        position_bias = RelativePositionBias(
            num_heads, num_buckets, max_distance, dtype=dtype, name="position_bias"
        )

        # === Functional Model ===
        super().__init__(
            position_embedding=lambda frames, frame_mask: position_convolution(frames),
            transformer_layer=GatedTransformerLayer,
            position_bias=position_bias,
            drop_first_layer=False,
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            intermediate_dim=intermediate_dim,
            filters=filters,
            kernel_sizes=kernel_sizes,
            strides=strides,
            use_conv_bias=use_conv_bias,
            feature_norm=feature_norm,
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
        self.position_kernel_size = position_kernel_size
        self.position_groups = position_groups
        self.num_buckets = num_buckets
        self.max_distance = max_distance

    @classmethod
    def assumes_normalized_audio(cls, checkpoint):
        """Base and Base+, which have group norm, were trained without, Large with it.

        Source: the authors in [issue 708 of microsoft/unilm](https://github.com/microsoft/unilm/issues/708).
        """
        return checkpoint.config.get("feat_extract_norm", "group") == "layer"

    @classmethod
    def convert_config(cls, checkpoint):
        return convert_wavlm.convert_config(checkpoint)

    def convert_weights(self, checkpoint):
        convert_wavlm.convert_weights(self, checkpoint)

    def get_config(self):
        return {
            **super().get_config(),
            "position_kernel_size": self.position_kernel_size,
            "position_groups": self.position_groups,
            "num_buckets": self.num_buckets,
            "max_distance": self.max_distance,
        }
