"""What Wav2Vec 2.0 and its relatives have in common."""

import keras

from kser.models.hashed_dropout import HashedDropout
from kser.models.speech_backbone import SpeechBackbone, states_of
from kser.models.wav2vec2.feature_encoder import FeatureEncoder, FrameMask, ZeroPaddedFrames
from kser.models.wav2vec2.spec_augment import SpecAugment
from kser.models.wav2vec2.transformer_layer import TransformerLayer, dense

FILTERS = (512,) * 7
KERNEL_SIZES = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)


class SpeechTransformerBackbone(SpeechBackbone):
    """Convolutions over the waveform, then a transformer over the frames; base class of the families.

    A family gives the parts in which it differs, `position_embedding` above all, and keeps their settings
    itself. The arguments after them are those of `Wav2Vec2Backbone`, under the same names.

    Args:
        position_embedding: function of frames (batch, frames, hidden_dim) and frame mask (batch, frames) that
            gives what is added to the frames.
        transformer_layer: class of the layers, `TransformerLayer` or a subclass.
        position_bias: layer from frames to what each transformer layer is given besides frames and mask;
            `None` for nothing.
        feature_projection_norm: bool, whether the convolutions' features are normalised before they are
            projected.
        drop_first_layer: bool, whether `layer_drop` is for the first layer as well.
    """

    def __init__(
        self,
        position_embedding,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        filters,
        kernel_sizes,
        strides,
        use_conv_bias,
        feature_norm,
        norm_first,
        layer_norm_epsilon,
        feature_dropout,
        dropout,
        attention_dropout,
        activation_dropout,
        layer_drop,
        spec_augment,
        transformer_layer=TransformerLayer,
        position_bias=None,
        feature_projection_norm=True,
        drop_first_layer=True,
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
        feature_norm_layer = layer_norm("feature_projection_norm") if feature_projection_norm else None
        feature_projection = dense(hidden_dim, dtype, "feature_projection")
        feature_dropout_layer = HashedDropout(feature_dropout, dtype=dtype, name="feature_dropout")
        augment = SpecAugment(**spec_augment, dtype=dtype, name="spec_augmentation") if spec_augment else None
        zero_padding = ZeroPaddedFrames(dtype=dtype, name="zero_padded_frames")
        encoder_norm = layer_norm("encoder_norm")
        encoder_dropout = HashedDropout(dropout, dtype=dtype, name="encoder_dropout")
        transformer_layers = [
            transformer_layer(
                num_heads,
                intermediate_dim,
                norm_first,
                layer_norm_epsilon,
                dropout,
                attention_dropout,
                activation_dropout,
                layer_drop if index or drop_first_layer else 0.0,
                dtype=dtype,
                name=f"transformer_layer_{index}",
            )
            for index in range(num_layers)
        ]

        def states_above(number, x, frame_mask):
            context = [frame_mask] if position_bias is None else [frame_mask, position_bias(x)]
            return states_of(transformer_layers[number:], x, context, encoder_norm if norm_first else None)

        # === Functional Model ===
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        features = feature_encoder(waveform, padding_mask)
        frame_mask = frame_mask_layer(features, padding_mask)
        x = features if feature_norm_layer is None else feature_norm_layer(features)
        x = feature_dropout_layer(feature_projection(x))
        if augment is not None:
            x = augment(x, frame_mask)
        x = zero_padding(x, frame_mask)
        x = keras.layers.Add(dtype=dtype, name="add_position")([x, position_embedding(x, frame_mask)])
        x = encoder_dropout(x if norm_first else encoder_norm(x))
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
        self.filters = list(filters)
        self.kernel_sizes = list(kernel_sizes)
        self.strides = list(strides)
        self.use_conv_bias = use_conv_bias
        self.feature_norm = feature_norm
        self.norm_first = norm_first
        self.layer_norm_epsilon = layer_norm_epsilon
        self.feature_dropout = feature_dropout
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.activation_dropout = activation_dropout
        self.layer_drop = layer_drop
        self.spec_augment = dict(spec_augment) if spec_augment else None
        self.feature_encoder = feature_encoder
        self.states_above = states_above
        self.hidden_states = tuple(hidden_states)  # Keras would wrap a list, and JAX refuses the wrapper

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
                "layer_norm_epsilon": self.layer_norm_epsilon,
                "feature_dropout": self.feature_dropout,
                "dropout": self.dropout,
                "attention_dropout": self.attention_dropout,
                "activation_dropout": self.activation_dropout,
                "layer_drop": self.layer_drop,
                "spec_augment": dict(self.spec_augment) if self.spec_augment else None,
            }
        )
        return config
