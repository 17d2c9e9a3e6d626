"""Published Moonshine checkpoints (the layout of `transformers`) onto `MoonshineEncoderBackbone`.

Source: the tensor names of `transformers/models/moonshine/modeling_moonshine.py`. The decoder is left out.
"""

from kser.checkpoints.config_fields import ConfigFields
from kser.errors import UserError
from kser.keras_internals import attention_parts
from kser.models.wav2vec2 import convert_speech_transformer as shared
from kser.models.whisper.convert_whisper import PREFIXES, PROBE, convert_projection


def convert_config(checkpoint) -> dict:
    """Arguments of `MoonshineEncoderBackbone`; fields that are left out have transformers' defaults.

    Raises:
        UserError: the configuration requires what KerasHub's layers do not have.
    """
    config = checkpoint.config
    check_supported(checkpoint)
    hidden_dim = config.get("hidden_size", 288)
    num_heads = config.get("encoder_num_attention_heads", 8)
    # transformers 5 keeps them in a field of their own.
    rotary = ConfigFields({**config, **(config.get("rope_parameters") or {})}, config.source)
    return {
        "num_layers": config.get("encoder_num_hidden_layers", 6),
        "num_heads": num_heads,
        "hidden_dim": hidden_dim,
        "intermediate_dim": config.get("intermediate_size", 1152),
        "rotary_dim": int(hidden_dim // num_heads * rotary.get("partial_rotary_factor", 0.9)),
        "rotary_base": rotary.get("rope_theta", 10000.0),
        "attention_dropout": config.get("attention_dropout", 0.0),
    }


def check_supported(checkpoint) -> None:
    """Refuse what neither the published checkpoints nor the layers have."""
    config = checkpoint.config
    num_heads = config.get("encoder_num_attention_heads", 8)
    rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
    only = {
        "encoder_hidden_act": (config.get("encoder_hidden_act", "gelu"), "gelu"),
        "attention_bias": (config.get("attention_bias", False), False),
        "encoder_num_key_value_heads": (config.get("encoder_num_key_value_heads") or num_heads, num_heads),
        "rope_type": (rotary.get("rope_type", "default"), "default"),
    }
    for field, (value, supported) in only.items():
        if value != supported:
            raise UserError(
                f"{checkpoint.name}: config.json: {field} is {value!r}, only {supported!r} is supported"
            )


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    checkpoint.select_prefix(PREFIXES, PROBE)
    encoder = backbone.feature_encoder
    for convolution, name in zip(encoder.convolutions, ("conv1", "conv2", "conv3"), strict=True):
        shared.convert_kernel(convolution.kernel, checkpoint, f"{name}.weight")
        if convolution.use_bias:
            shared.convert_tensor(convolution.bias, checkpoint, f"{name}.bias")
    shared.convert_tensor(encoder.group_norm.scale, checkpoint, "groupnorm.weight")
    shared.convert_tensor(encoder.group_norm.offset, checkpoint, "groupnorm.bias")
    for index, layer in enumerate(backbone.transformer_layers):
        _convert_layer(layer, checkpoint, f"layers.{index}")
    shared.convert_tensor(backbone.get_layer("encoder_norm").gamma, checkpoint, "layer_norm.weight")


def _convert_layer(layer, checkpoint, name: str) -> None:
    projections = attention_parts(layer.self_attention_layer)
    for projection, letter in zip(projections, "qkvo", strict=True):
        convert_projection(projection, checkpoint, f"{name}.self_attn.{letter}_proj")
    shared.convert_dense(layer.feedforward.dense_1, checkpoint, f"{name}.mlp.fc1")
    shared.convert_dense(layer.feedforward.dense_2, checkpoint, f"{name}.mlp.fc2")
    norms = {
        "input_layernorm": layer.self_attention_layer_norm,
        "post_attention_layernorm": layer.feedforward_layer_norm,
    }
    for tensor, norm in norms.items():
        shared.convert_tensor(norm.gamma, checkpoint, f"{name}.{tensor}.weight")
