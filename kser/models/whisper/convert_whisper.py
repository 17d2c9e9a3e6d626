"""Published Whisper checkpoints (the layout of `transformers`) onto `WhisperEncoderBackbone`.

Source: the tensor names of `transformers/models/whisper/modeling_whisper.py`. The decoder is left out.
"""

import numpy as np

from kser.errors import UserError
from kser.keras_internals import attention_parts, whisper_layer_parts
from kser.models.conversion import assign
from kser.models.wav2vec2 import convert_speech_transformer as shared

# Of a model with decoder and output layer, of one without the latter or with a classifier, of the encoder.
PREFIXES = ("model.encoder.", "encoder.", "")
PROBE = "conv1.weight"


def convert_config(checkpoint) -> dict:
    """Arguments of `WhisperEncoderBackbone`; fields the checkpoint leaves out have transformers' defaults.

    Raises:
        UserError: an activation other than GELU.
    """
    config = checkpoint.config
    if config.get("activation_function", "gelu") != "gelu":
        raise UserError(
            f"{checkpoint.name}: config.json: activation_function is {config['activation_function']!r}, only "
            "'gelu' is supported"
        )
    return {
        "num_layers": config.get("encoder_layers", 4),
        "num_heads": config.get("encoder_attention_heads", 6),
        "hidden_dim": config.get("d_model", 384),
        "intermediate_dim": config.get("encoder_ffn_dim", 1536),
        "num_mel_bins": config.get("num_mel_bins", 80),
        "max_frames": config.get("max_source_positions", 1500),
        "dropout": config.get("dropout", 0.0),
        "attention_dropout": config.get("attention_dropout", 0.0),
        "activation_dropout": config.get("activation_dropout", 0.0),
        "layer_drop": config.get("encoder_layerdrop", 0.0),
        # Unlike the other families, Whisper has it only where a configuration asks for it.
        "spec_augment": shared.convert_spec_augment(config, by_default=False),
    }


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    checkpoint.select_prefix(PREFIXES, PROBE)
    convolutions = backbone.get_layer("feature_encoder").convolutions
    for convolution, name in zip(convolutions, ("conv1", "conv2"), strict=True):
        shared.convert_kernel(convolution.kernel, checkpoint, f"{name}.weight")
        shared.convert_tensor(convolution.bias, checkpoint, f"{name}.bias")
    positions = backbone.get_layer("position_embedding").position_embeddings
    shared.convert_tensor(positions, checkpoint, "embed_positions.weight")
    for index, layer in enumerate(backbone.transformer_layers):
        _convert_layer(layer, checkpoint, f"layers.{index}")
    shared.convert_norm(backbone.get_layer("encoder_norm"), checkpoint, "layer_norm")


def _convert_layer(layer, checkpoint, name: str) -> None:
    parts = whisper_layer_parts(layer)
    projections = attention_parts(parts.attention)
    for projection, tensor in zip(projections, ("q_proj", "k_proj", "v_proj", "out_proj"), strict=True):
        convert_projection(projection, checkpoint, f"{name}.self_attn.{tensor}")
    shared.convert_norm(parts.attention_norm, checkpoint, f"{name}.self_attn_layer_norm")
    shared.convert_dense(parts.intermediate, checkpoint, f"{name}.fc1")
    shared.convert_dense(parts.output, checkpoint, f"{name}.fc2")
    shared.convert_norm(parts.feedforward_norm, checkpoint, f"{name}.final_layer_norm")


def convert_projection(layer, checkpoint, name: str) -> None:
    """Assign KerasHub's projection into heads or out of them, which has an axis for the heads.

    Raises:
        UserError: the checkpoint's has another number of channels.
    """
    for variable, tensor_name in ((layer.kernel, f"{name}.weight"), (layer.bias, f"{name}.bias")):
        if variable is None:
            continue
        source = f"{checkpoint.name}: {tensor_name}"
        tensor = np.transpose(checkpoint.tensor(tensor_name))
        if tensor.size == np.prod(variable.shape):
            tensor = tensor.reshape(variable.shape)
        assign(variable, tensor, source)
