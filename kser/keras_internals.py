"""What kser uses of Keras and KerasHub although it is not part of their public interface.

A release may move or rename any of it; tests/test_keras_internals.py then says what to do. What a subclass in
kser overrides or reads of its own parent stays with the subclass, and that test knows it, too.
"""

from typing import Any, NamedTuple

import keras
from keras.src.utils import module_utils

# KerasHub builds these layers only inside whole models with a decoder.
from keras_hub.src.models.moonshine.moonshine_encoder import MoonshineEncoderBlock
from keras_hub.src.models.whisper.whisper_encoder import WhisperEncoder

# KerasHub chooses loaders of presets in a closed list; kser adds one for published speech checkpoints.
from keras_hub.src.utils import preset_utils
from keras_hub.src.utils.preset_utils import (
    AUDIO_CONVERTER_CONFIG_FILE,
    MODEL_WEIGHTS_FILE,
    PREPROCESSOR_CONFIG_FILE,
    SHARDED_MODEL_WEIGHTS_CONFIG_FILE,
    TASK_CONFIG_FILE,
    TASK_WEIGHTS_FILE,
    KerasPresetLoader,
    PresetLoader,
    check_config_class,
    check_file_exists,
    get_file,
    get_preset_loader,
    list_subclasses,
    load_json,
    register_presets,
)

__all__ = [
    "AUDIO_CONVERTER_CONFIG_FILE",
    "MODEL_WEIGHTS_FILE",
    "PREPROCESSOR_CONFIG_FILE",
    "SHARDED_MODEL_WEIGHTS_CONFIG_FILE",
    "TASK_CONFIG_FILE",
    "TASK_WEIGHTS_FILE",
    "AttentionParts",
    "KerasPresetLoader",
    "MoonshineEncoderBlock",
    "PresetLoader",
    "WhisperEncoder",
    "WhisperLayerParts",
    "attend",
    "attention_parts",
    "check_config_class",
    "check_file_exists",
    "get_file",
    "get_preset_loader",
    "hide_tensorflow",
    "layers_within",
    "list_subclasses",
    "load_json",
    "model_up_to",
    "register_presets",
    "whisper_layer_parts",
]


def hide_tensorflow() -> None:
    """Keep Keras and KerasHub from importing TensorFlow when they save or load a model; it takes seconds."""
    module_utils.tensorflow._available = False
    # It would ask TensorFlow, for every file of every preset, which addresses are its own.
    preset_utils.tf_registered_schemes = lambda: ["gs"]


def layers_within(layer: keras.layers.Layer, include_self: bool = True) -> list[Any]:
    """A layer and all layers inside it: `Model.layers` ends at the layers that a model is made of."""
    return list(layer._flatten_layers(include_self=include_self))


def model_up_to(model: keras.Model, layer: keras.layers.Layer) -> keras.Model | None:
    """The part of a functional model that computes what a layer is given, a layer of a model inside it, too.

    Returns:
        A model with the same input, whose output is the first argument of the layer; `None` where the model
        does not call it.
    """
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            if node.operation is layer:
                return keras.Model(model.input, node.arguments.args[0])
            if isinstance(node.operation, keras.Model):
                inner = model_up_to(node.operation, layer)
                if inner is not None:
                    return keras.Model(model.input, inner(*node.arguments.args))
    return None


class AttentionParts(NamedTuple):
    """The projections of an attention layer."""

    query: Any
    key: Any
    value: Any
    output: Any


def attention_parts(attention: Any) -> AttentionParts:
    """The projections of KerasHub's attention layers: checkpoints are converted into each by itself."""
    return AttentionParts(
        attention._query_dense, attention._key_dense, attention._value_dense, attention._output_dense
    )


def attend(attention: Any, query: Any, key: Any, value: Any, mask: Any, training: Any) -> Any:
    """Attention without its projections, so that queries and keys can be turned in between."""
    mixed, _ = attention._compute_attention(query, key, value, attention_mask=mask, training=training)
    return mixed


class WhisperLayerParts(NamedTuple):
    """The layers inside a `WhisperEncoder`."""

    attention_norm: Any
    attention: Any
    feedforward_norm: Any
    intermediate: Any
    output: Any


def whisper_layer_parts(layer: Any) -> WhisperLayerParts:
    """The layers inside KerasHub's layer of Whisper, which has other dropouts in between."""
    return WhisperLayerParts(
        layer._self_attention_layer_norm,
        layer._self_attention_layer,
        layer._feedforward_layer_norm,
        layer._feedforward_intermediate_dense,
        layer._feedforward_output_dense,
    )
