"""Published Wav2Vec 2.0 checkpoints (the layout of `transformers`) onto `Wav2Vec2Backbone`.

Source: the tensor names of `transformers/models/wav2vec2/modeling_wav2vec2.py`. PyTorch keeps kernels with
the outputs first; Keras keeps them last.
"""

import numpy as np

from kser.errors import UserError
from kser.models.conversion import assign

# A model with a head holds its backbone under the family's name.
PREFIXES = ("", "wav2vec2.")
PROBE = "feature_extractor.conv_layers.0.conv.weight"


def convert_config(checkpoint) -> dict:
    """Arguments of `Wav2Vec2Backbone` for a checkpoint; fields it leaves out have transformers' defaults."""
    config = checkpoint.config
    if config.get("add_adapter", False):
        raise UserError(f"{checkpoint.name}: config.json: add_adapter is true; adapters are not supported")
    for field in ("hidden_act", "feat_extract_activation"):
        if config.get(field, "gelu") != "gelu":
            raise UserError(
                f"{checkpoint.name}: config.json: {field} is {config[field]!r}, only 'gelu' is supported"
            )
    return {
        "num_layers": config.get("num_hidden_layers", 12),
        "num_heads": config.get("num_attention_heads", 12),
        "hidden_dim": config.get("hidden_size", 768),
        "intermediate_dim": config.get("intermediate_size", 3072),
        "filters": config.get("conv_dim", [512] * 7),
        "kernel_sizes": config.get("conv_kernel", [10, 3, 3, 3, 3, 2, 2]),
        "strides": config.get("conv_stride", [5, 2, 2, 2, 2, 2, 2]),
        "use_conv_bias": config.get("conv_bias", False),
        "feature_norm": config.get("feat_extract_norm", "group"),
        "norm_first": config.get("do_stable_layer_norm", False),
        "position_kernel_size": config.get("num_conv_pos_embeddings", 128),
        "position_groups": config.get("num_conv_pos_embedding_groups", 16),
        "layer_norm_epsilon": config.get("layer_norm_eps", 1e-5),
        "feature_dropout": config.get("feat_proj_dropout", 0.0),
        "dropout": config.get("hidden_dropout", 0.1),
        "attention_dropout": config.get("attention_dropout", 0.1),
        "activation_dropout": config.get("activation_dropout", 0.1),
    }


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    checkpoint.select_prefix(PREFIXES, PROBE)
    _convert_feature_encoder(backbone.feature_encoder, checkpoint)
    _norm(backbone.get_layer("feature_projection_norm"), checkpoint, "feature_projection.layer_norm")
    _dense(backbone.get_layer("feature_projection"), checkpoint, "feature_projection.projection")
    _convert_position_convolution(backbone.get_layer("position_convolution"), checkpoint)
    _norm(backbone.get_layer("encoder_norm"), checkpoint, "encoder.layer_norm")
    for index in range(backbone.num_layers):
        _convert_transformer_layer(
            backbone.get_layer(f"transformer_layer_{index}"), checkpoint, f"encoder.layers.{index}"
        )


def _convert_feature_encoder(encoder, checkpoint) -> None:
    for index, convolution in enumerate(encoder.convolutions):
        name = f"feature_extractor.conv_layers.{index}"
        kernel = checkpoint.tensor(f"{name}.conv.weight")
        assign(convolution.kernel, np.transpose(kernel, (2, 1, 0)), f"{checkpoint.name}: {name}.conv.weight")
        if encoder.use_bias:
            _assign_named(convolution.bias, checkpoint, f"{name}.conv.bias")
        if encoder.norm == "layer":
            _norm(encoder.layer_norms[index], checkpoint, f"{name}.layer_norm")
        elif index == 0:
            _assign_named(encoder.group_norm.scale, checkpoint, f"{name}.layer_norm.weight")
            _assign_named(encoder.group_norm.offset, checkpoint, f"{name}.layer_norm.bias")


def _convert_position_convolution(layer, checkpoint) -> None:
    name = "encoder.pos_conv_embed.conv"
    # PyTorch 2 renamed what its weight norm stores; both spellings are in circulation.
    renamed = checkpoint.has(f"{name}.parametrizations.weight.original0")
    magnitude, direction = (
        (f"{name}.parametrizations.weight.original0", f"{name}.parametrizations.weight.original1")
        if renamed
        else (f"{name}.weight_g", f"{name}.weight_v")
    )
    for variable, tensor_name in ((layer.magnitude, magnitude), (layer.direction, direction)):
        value = np.transpose(checkpoint.tensor(tensor_name), (2, 1, 0))
        assign(variable, value, f"{checkpoint.name}: {tensor_name}")
    _assign_named(layer.bias, checkpoint, f"{name}.bias")


def _convert_transformer_layer(layer, checkpoint, name: str) -> None:
    _dense(layer.attention.query, checkpoint, f"{name}.attention.q_proj")
    _dense(layer.attention.key, checkpoint, f"{name}.attention.k_proj")
    _dense(layer.attention.value, checkpoint, f"{name}.attention.v_proj")
    _dense(layer.attention.output_projection, checkpoint, f"{name}.attention.out_proj")
    _norm(layer.attention_norm, checkpoint, f"{name}.layer_norm")
    _dense(layer.intermediate, checkpoint, f"{name}.feed_forward.intermediate_dense")
    _dense(layer.output_dense, checkpoint, f"{name}.feed_forward.output_dense")
    _norm(layer.output_norm, checkpoint, f"{name}.final_layer_norm")


def _dense(layer, checkpoint, name: str) -> None:
    kernel = checkpoint.tensor(f"{name}.weight")
    assign(layer.kernel, np.transpose(kernel), f"{checkpoint.name}: {name}.weight")
    _assign_named(layer.bias, checkpoint, f"{name}.bias")


def _norm(layer, checkpoint, name: str) -> None:
    _assign_named(layer.gamma, checkpoint, f"{name}.weight")
    _assign_named(layer.beta, checkpoint, f"{name}.bias")


def _assign_named(variable, checkpoint, name: str) -> None:
    assign(variable, checkpoint.tensor(name), f"{checkpoint.name}: {name}")
