"""Which modules of kser become which files of keras-hub, and what of them stays behind."""

from dataclasses import dataclass, field

Edits = dict[str, str]

MODELS = "keras_hub/src/models"
CONVERTERS = "keras_hub/src/utils/transformers"
FAMILIES = ("wav2vec2", "hubert", "wavlm")

NAMES = {
    # keras-hub registers all layers under one package: the name says to which model each belongs.
    "FeatureEncoder": "Wav2Vec2FeatureEncoder",
    "FrameMask": "Wav2Vec2FrameMask",
    "ZeroPaddedFrames": "Wav2Vec2ZeroPaddedFrames",
    "MaskedGroupNormalization": "Wav2Vec2GroupNormalization",
    "PositionConvolution": "Wav2Vec2PositionConvolution",
    "SpecAugment": "Wav2Vec2SpecAugment",
    "SelfAttention": "Wav2Vec2SelfAttention",
    "TransformerLayer": "Wav2Vec2TransformerLayer",
    "BatchNormPositionConvolution": "HubertPositionConvolution",
    "RelativePositionBias": "WavLMPositionBias",
    "GatedSelfAttention": "WavLMSelfAttention",
    "GatedTransformerLayer": "WavLMTransformerLayer",
    # What kser has of its own, and Keras has too.
    "HashedDropout": "keras.layers.Dropout",
    "SeededNormal": "keras.initializers.RandomNormal",
    "SeededHeNormal": "keras.initializers.HeNormal",
    "SpeechBackbone": "Backbone",
    "UserError": "ValueError",
}
"""Words that are replaced in code and prose."""

EVERYWHERE = {'package="kser"': 'package="keras_hub"'}
"""Edits of every module in which they apply."""

SPLIT_MESSAGE = {
    'f"`groups` must divide the channels. Received: groups={self.groups}, channels={channels}"': (
        '"`groups` must divide the channels. "\n'
        '                f"Received: groups={self.groups}, channels={channels}"'
    )
}
"""No formatter breaks strings."""


@dataclass(frozen=True)
class Part:
    """A file of keras-hub that is made of a module of kser.

    Args:
        source: file of kser.
        target: file of keras-hub.
        left_out: names of functions, classes, methods (`Class.method`) and assignments that keras-hub gets
            without a substitute.
        edits: text → text, applied first; each must occur.
        identifiers: variables and functions that are renamed in code only.
        reduced: whether `reduced/` has a module of the source's name. Its functions and methods replace those
            of their name; what the source lacks is added.
    """

    source: str
    target: str
    left_out: tuple[str, ...] = ()
    edits: Edits = field(default_factory=dict)
    identifiers: dict[str, str] = field(default_factory=dict)
    reduced: bool = False


def backbone(family: str, cls: str, preset: str, *left_out: str) -> Part:
    """The part of a family's backbone."""
    name = f"{family}_backbone"
    registered = '@keras.saving.register_keras_serializable(package="kser")\n'
    return Part(
        f"kser/models/{family}/{name}.py",
        f"{MODELS}/{family}/{name}.py",
        (f"{cls}.model_types", f"{cls}.convert_config", f"{cls}.convert_weights", *left_out),
        {
            f'@backbone_family("{family}")\n{registered}': f'@keras_hub_export("keras_hub.models.{cls}")\n',
            f'backbone = {cls}.from_preset("{preset}")': (
                f'backbone = keras_hub.models.{cls}.from_preset(\n            "hf://{preset}"\n        )'
            ),
            'backbone({"waveform": waveform, "padding_mask": mask})': (
                "backbone(\n            {\n"
                '                "waveform": np.random.normal(size=(2, 16000)),\n'
                '                "padding_mask": np.ones((2, 16000), bool),\n'
                "            }\n        )"
            ),
            "(batch, frames, 768)\n": "(2, 49, 768)\n",
        },
        reduced=True,
    )


def converter(family: str) -> Part:
    """The part of a family's converter."""
    name = f"convert_{family}"
    edits = {
        "convert_config(checkpoint)": "convert_backbone_config(transformers_config)",
        "convert_weights(backbone, checkpoint) -> None": (
            "convert_weights(backbone, checkpoint, transformers_config)"
        ),
    }
    if family != "wav2vec2":
        edits["checkpoint.config"] = "transformers_config"
    return Part(
        f"kser/models/{family}/{name}.py",
        f"{CONVERTERS}/{name}.py",
        edits=edits,
        identifiers={"checkpoint": "loader"},
        reduced=True,
    )


PARTS = [
    Part(
        "kser/models/wav2vec2/feature_encoder.py",
        f"{MODELS}/wav2vec2/wav2vec2_feature_encoder.py",
        ("FeatureEncoder.encode", "FeatureEncoder.first_frame_mask", "FeatureEncoder._normalise_first"),
        {
            "        mean: float32 tensor (batch, 1, channels), over the valid frames, where it is known; else "
            "computed.\n": "",
            "super().__init__(autocast=False, **kwargs)  # Keras would cast the float32 mean as well": (
                "super().__init__(**kwargs)"
            ),
            "frame_mask, mean=None)": "frame_mask)",
            "        if mean is None:\n            mean = ": "        mean = ",
            "                use_bias=use_bias,\n": (
                '                use_bias=use_bias,\n                data_format="channels_last",\n'
            ),
            "# Counted with a running sum and not `arange(shape)`: it exports with a dynamic time axis.": (
                "# A running sum and not `arange(shape)`: it exports with a dynamic time axis."
            ),
        },
        reduced=True,
    ),
    Part(
        "kser/models/wav2vec2/position_convolution.py",
        f"{MODELS}/wav2vec2/wav2vec2_position_convolution.py",
        (
            "grouped_convolution",
            "split_convolution",
            "convolve_by_frequencies",
            "fourier_matrices",
            "pays_through_frequencies",
        ),
        SPLIT_MESSAGE,
        reduced=True,
    ),
    Part(
        "kser/models/wav2vec2/spec_augment.py",
        f"{MODELS}/wav2vec2/wav2vec2_spec_augment.py",
        ("SpecAugment.draw_mask_embedding",),
        {
            "            self._embedding_initializer = SeededNormal(mean=0.5, stddev=12**-0.5)\n": "",
            "shape=(frames_shape[-1],), initializer=self._embedding_initializer\n": (
                "shape=(frames_shape[-1],), initializer=SeededNormal(mean=0.5, stddev=12**-0.5)\n"
            ),
            'f"mask_time_length={mask_time_length}, mask': (
                'f"mask_time_length={mask_time_length}, "\n                f"mask'
            ),
        },
    ),
    Part(
        "kser/models/wav2vec2/transformer_layer.py",
        f"{MODELS}/wav2vec2/wav2vec2_transformer_layer.py",
        ("apply_dense", "unnormalised_softmax", "fused_attention"),
        {
            "compute_apart(self, self.transform, frames, frame_mask, training=training)": (
                "self.transform(frames, frame_mask, training=training)"
            ),
            "self.residual_dropout(x, training=True) if training else x": (
                "self.residual_dropout(x, training=training)"
            ),
            "self.inner_dropout(x, training=True) if training else x": (
                "self.inner_dropout(x, training=training)"
            ),
            "gelu(apply_dense(self.intermediate, x))": "gelu(self.intermediate(x))",
            "apply_dense(self.output_dense, ": "self.output_dense(",
            "compute_output_spec(self, frames, *context, training=None)": (
                "compute_output_spec(self, frames, *args, **kwargs)"  # keras-hub's tests call by keyword
            ),
        },
        reduced=True,
    ),
    Part(
        "kser/models/wav2vec2/speech_transformer_backbone.py",
        f"{MODELS}/wav2vec2/speech_transformer_backbone.py",
        ("SpeechTransformerBackbone.minimum_samples",),
        {
            "        def states_above(number, x, frame_mask):\n"
            "            context = [frame_mask] if position_bias is None else [frame_mask, position_bias(x)]\n"
            "            return states_of(transformer_layers[number:], x, context, encoder_norm if norm_first "
            "else None)\n\n": "",
            "        hidden_states = [x, *states_above(0, x, frame_mask)]\n": (
                "        context = [] if position_bias is None else [position_bias(x)]\n"
                "        hidden_states = [x]\n"
                "        for layer in transformer_layers:\n"
                "            x = layer(x, frame_mask, *context)\n"
                "            hidden_states.append(x)\n"
                "        if norm_first:\n"
                "            hidden_states[-1] = encoder_norm(x)\n"
            ),
            "        self.states_above = states_above\n": "",
            "        self.intermediate_dim = intermediate_dim\n": (
                "        self.hidden_dim = hidden_dim\n        self.intermediate_dim = intermediate_dim\n"
            ),
        },
        reduced=True,
    ),
    backbone("wav2vec2", "Wav2Vec2Backbone", "facebook/wav2vec2-base"),
    backbone("hubert", "HubertBackbone", "facebook/hubert-base-ls960", "HubertBackbone.padding_as_published"),
    Part(
        "kser/models/hubert/batch_norm_position_convolution.py",
        f"{MODELS}/hubert/hubert_position_convolution.py",
        edits=SPLIT_MESSAGE,
    ),
    backbone("wavlm", "WavLMBackbone", "microsoft/wavlm-base-plus", "WavLMBackbone.assumes_normalized_audio"),
    Part(
        "kser/models/wavlm/relative_position_bias.py",
        f"{MODELS}/wavlm/wavlm_position_bias.py",
        edits={
            "a multiple of 4 and a": 'a multiple of 4 "\n                "and a',
            "num_buckets={num_buckets}, max": 'num_buckets={num_buckets}, "\n                f"max',
            "# Counted with a running sum and not `arange(shape)`: it exports with a dynamic time axis.": (
                "# A running sum and not `arange(shape)`: it exports with a dynamic time axis."
            ),
        },
    ),
    Part(
        "kser/models/wavlm/gated_transformer_layer.py",
        f"{MODELS}/wavlm/wavlm_transformer_layer.py",
        edits={
            "compute_apart(self, self.transform, frames, frame_mask, position_bias, training=training)": (
                "self.transform(frames, frame_mask, position_bias, training=training)"
            ),
            "  # type: ignore[override]": "",
        },
    ),
    Part(
        "kser/audio/waveform.py",
        f"{MODELS}/wav2vec2/wav2vec2_waveforms.py",
        reduced=True,
    ),
    Part(
        "kser/models/wav2vec2/convert_speech_transformer.py",
        f"{CONVERTERS}/convert_speech_transformer.py",
        ("PROBE", "logger"),
        {
            "def convert_config(checkpoint)": "def convert_backbone_config(transformers_config)",
            "    config = checkpoint.config\n    check_supported(checkpoint)\n": (
                "    config = transformers_config\n    check_supported(config)\n"
            ),
            "check_supported(checkpoint) -> None": "check_supported(config)",
            "    config = checkpoint.config\n    if": "    if",
            "{checkpoint.name}: config.json: ": "",
            "Assign every weight except those of the position embedding, and choose the checkpoint's prefix.": (
                "Assign every weight except those of the position embedding."
            ),
            "    # A model with a head holds its backbone under the family's name.\n"
            '    checkpoint.select_prefix(("", f"{checkpoint.family_name}."), PROBE)\n': "",
            "checkpoint.has(": "has_tensor(checkpoint, ",
        },
        {"checkpoint": "loader"},
        reduced=True,
    ),
    *map(converter, FAMILIES),
]

PRESETS = {
    "wav2vec2": {
        "wav2vec2_base": "wav2vec2_base_en",
        "wav2vec2_base_960h": "wav2vec2_base_960h_en",
        "wav2vec2_large": "wav2vec2_large_en",
        "wav2vec2_large_960h": "wav2vec2_large_960h_en",
        "wav2vec2_large_robust": "wav2vec2_large_robust_en",
        "wav2vec2_large_xlsr_53": "wav2vec2_large_xlsr_53_multi",
        "wav2vec2_xls_r_300m": "wav2vec2_xls_r_300m_multi",
        "wav2vec2_xls_r_1b": "wav2vec2_xls_r_1b_multi",
    },
    "hubert": {
        "hubert_base": "hubert_base_en",
        "hubert_large": "hubert_large_en",
        "hubert_xlarge": "hubert_extra_large_en",
        "distilhubert": "distil_hubert_en",
    },
    # The authors' cards name a file, the LICENSE of microsoft/UniSpeech, and no licence that keras-hub takes.
    "wavlm": {},
}
"""Short names of kser's checkpoints → preset names by keras-hub's rules, of each family."""
