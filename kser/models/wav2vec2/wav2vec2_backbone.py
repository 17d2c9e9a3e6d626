"""The Wav2Vec 2.0 backbone."""

import keras

from kser.models.speech_backbone import SpeechBackbone
from kser.models.wav2vec2 import convert_wav2vec2
from kser.models.wav2vec2.feature_encoder import FeatureEncoder, FrameMask, ZeroPaddedFrames
from kser.models.wav2vec2.position_convolution import PositionConvolution
from kser.models.wav2vec2.transformer_layer import TransformerLayer, dense

FILTERS = (512,) * 7
KERNEL_SIZES = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)


@keras.saving.register_keras_serializable(package="kser")
class Wav2Vec2Backbone(SpeechBackbone):
    """Wav2Vec 2.0: convolutions over the waveform, then a transformer over the frames.

    The defaults are those of the published base model (95 million parameters, one frame every 20 ms).

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
        layer_norm_epsilon: float.
        feature_dropout: float, after the projection of the convolutions' features.
        dropout: float, before the first and after each part of a transformer layer.
        attention_dropout: float, on attention weights.
        activation_dropout: float, inside the feed-forward networks.
        dtype: string or `keras.DTypePolicy`.

    Source: Baevski et al. (2020), [wav2vec 2.0](https://arxiv.org/abs/2006.11477). Hidden states equal those
    of `transformers.Wav2Vec2Model` from the same checkpoint.

    Example:

        backbone = Wav2Vec2Backbone.from_preset("facebook/wav2vec2-base")
        outputs = backbone({"waveform": waveform, "padding_mask": mask})
        outputs["sequence_output"].shape   # (batch, frames, 768)
    """

    model_types = ("wav2vec2",)

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
        layer_norm_epsilon=1e-5,
        feature_dropout=0.0,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        dtype=None,
        **kwargs,
    ):
        def layer_norm(name):
            return keras.layers.LayerNormalization(epsilon=layer_norm_epsilon, dtype=dtype, name=name)

        # === Layers ===
        feature_encoder = FeatureEncoder(
            filters, kernel_sizes, strides, use_conv_bias, feature_norm, dtype=dtype, name="feature_encoder"
        )
        frame_mask_layer = FrameMask(kernel_sizes, strides, dtype=dtype, name="frame_mask")
        feature_norm_layer = layer_norm("feature_projection_norm")
        feature_projection = dense(hidden_dim, dtype, "feature_projection")
        feature_dropout_layer = keras.layers.Dropout(feature_dropout, dtype=dtype, name="feature_dropout")
        zero_padding = ZeroPaddedFrames(dtype=dtype, name="zero_padded_frames")
        position_convolution = PositionConvolution(
            position_kernel_size, position_groups, dtype=dtype, name="position_convolution"
        )
        encoder_norm = layer_norm("encoder_norm")
        encoder_dropout = keras.layers.Dropout(dropout, dtype=dtype, name="encoder_dropout")
        transformer_layers = [
            TransformerLayer(
                num_heads,
                intermediate_dim,
                norm_first,
                layer_norm_epsilon,
                dropout,
                attention_dropout,
                activation_dropout,
                dtype=dtype,
                name=f"transformer_layer_{index}",
            )
            for index in range(num_layers)
        ]

        # === Functional Model ===
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        features = feature_encoder(waveform, padding_mask)
        frame_mask = frame_mask_layer(features, padding_mask)
        x = feature_dropout_layer(feature_projection(feature_norm_layer(features)))
        x = zero_padding(x, frame_mask)
        x = keras.layers.Add(dtype=dtype, name="add_position")([x, position_convolution(x)])
        if not norm_first:
            x = encoder_norm(x)
        x = encoder_dropout(x)
        hidden_states = [x]
        for transformer_layer in transformer_layers:
            x = transformer_layer(x, frame_mask)
            hidden_states.append(x)
        if norm_first:
            x = encoder_norm(x)
            hidden_states[-1] = x
        super().__init__(
            inputs={"waveform": waveform, "padding_mask": padding_mask},
            outputs={"sequence_output": x, "frame_mask": frame_mask},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.filters = list(filters)
        self.kernel_sizes = list(kernel_sizes)
        self.strides = list(strides)
        self.use_conv_bias = use_conv_bias
        self.feature_norm = feature_norm
        self.norm_first = norm_first
        self.position_kernel_size = position_kernel_size
        self.position_groups = position_groups
        self.layer_norm_epsilon = layer_norm_epsilon
        self.feature_dropout = feature_dropout
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.activation_dropout = activation_dropout
        self.feature_encoder = feature_encoder
        self.hidden_states = tuple(hidden_states)  # Keras would wrap a list, and JAX refuses the wrapper

    @classmethod
    def convert_config(cls, checkpoint):
        return convert_wav2vec2.convert_config(checkpoint)

    def convert_weights(self, checkpoint):
        convert_wav2vec2.convert_weights(self, checkpoint)

    @property
    def minimum_samples(self):
        samples = 1
        for kernel_size, stride in zip(reversed(self.kernel_sizes), reversed(self.strides), strict=True):
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
                "filters": self.filters,
                "kernel_sizes": self.kernel_sizes,
                "strides": self.strides,
                "use_conv_bias": self.use_conv_bias,
                "feature_norm": self.feature_norm,
                "norm_first": self.norm_first,
                "position_kernel_size": self.position_kernel_size,
                "position_groups": self.position_groups,
                "layer_norm_epsilon": self.layer_norm_epsilon,
                "feature_dropout": self.feature_dropout,
                "dropout": self.dropout,
                "attention_dropout": self.attention_dropout,
                "activation_dropout": self.activation_dropout,
            }
        )
        return config
