"""What published checkpoints of Wav2Vec 2.0 and its relatives share (the layout of `transformers`).

Source: the tensor names of `transformers/models/wav2vec2/modeling_wav2vec2.py`. PyTorch keeps kernels with
the outputs first; Keras keeps them last.
"""

import logging

import numpy as np

from kser.errors import UserError
from kser.models.conversion import assign

logger = logging.getLogger(__name__)

PROBE = "feature_extractor.conv_layers.0.conv.weight"
# Fields of the configuration that are arguments of `SpecAugment`, with transformers' defaults.
SPEC_AUGMENT = {
    "mask_time_prob": 0.05,
    "mask_time_length": 10,
    "mask_time_min_masks": 2,
    "mask_feature_prob": 0.0,
    "mask_feature_length": 10,
    "mask_feature_min_masks": 0,
}


def convert_config(checkpoint) -> dict:
    """The shared constructor arguments; fields the checkpoint leaves out have transformers' defaults."""
    config = checkpoint.config
    check_supported(checkpoint)
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
        "layer_drop": config.get("layerdrop", 0.1),
        "spec_augment": convert_spec_augment(config),
    }


def check_supported(checkpoint) -> None:
    """Refuse what the backbones do not have.

    Raises:
        UserError: the checkpoint has adapters, or an activation other than GELU.
    """
    config = checkpoint.config
    if config.get("add_adapter", False):
        raise UserError(f"{checkpoint.name}: config.json: add_adapter is true; adapters are not supported")
    if config.get("adapter_attn_dim") is not None:
        raise UserError(
            f"{checkpoint.name}: config.json: adapter_attn_dim is {config['adapter_attn_dim']}; adapters are "
            "not supported; load the model that was pre-trained without them"
        )
    for field in ("hidden_act", "feat_extract_activation"):
        if config.get(field, "gelu") != "gelu":
            raise UserError(
                f"{checkpoint.name}: config.json: {field} is {config[field]!r}, only 'gelu' is supported"
            )


def convert_spec_augment(config, by_default=True) -> dict | None:
    """Arguments of `SpecAugment`, `None` where the model is trained without it.

    Args:
        config: of the checkpoint.
        by_default: whether it is trained with it where the configuration does not say.
    """
    arguments = {field: config.get(field, default) for field, default in SPEC_AUGMENT.items()}
    probabilities = arguments["mask_time_prob"], arguments["mask_feature_prob"]
    return arguments if config.get("apply_spec_augment", by_default) and any(probabilities) else None


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight except those of the position embedding, and choose the checkpoint's prefix."""
    # A model with a head holds its backbone under the family's name.
    checkpoint.select_prefix(("", f"{checkpoint.family_name}."), PROBE)
    _convert_feature_encoder(backbone.feature_encoder, checkpoint)
    layers = {layer.name: layer for layer in backbone.layers}
    if "feature_projection_norm" in layers:
        convert_norm(layers["feature_projection_norm"], checkpoint, "feature_projection.layer_norm")
    convert_dense(layers["feature_projection"], checkpoint, "feature_projection.projection")
    if backbone.spec_augment and backbone.spec_augment["mask_time_prob"]:
        _convert_mask_embedding(layers["spec_augmentation"], checkpoint)
    convert_norm(layers["encoder_norm"], checkpoint, "encoder.layer_norm")
    for index in range(backbone.num_layers):
        _convert_transformer_layer(
            layers[f"transformer_layer_{index}"], checkpoint, f"encoder.layers.{index}"
        )


def convert_weight_norm(layer, checkpoint) -> None:
    """Assign a `PositionConvolution`, whose weight norm has two spellings in circulation."""
    name = "encoder.pos_conv_embed.conv"
    renamed = checkpoint.has(f"{name}.parametrizations.weight.original0")  # since PyTorch 2.1
    magnitude, direction = (
        (f"{name}.parametrizations.weight.original0", f"{name}.parametrizations.weight.original1")
        if renamed
        else (f"{name}.weight_g", f"{name}.weight_v")
    )
    convert_kernel(layer.magnitude, checkpoint, magnitude)
    convert_kernel(layer.direction, checkpoint, direction)
    convert_tensor(layer.bias, checkpoint, f"{name}.bias")


def convert_kernel(variable, checkpoint, name: str) -> None:
    """Assign the kernel of a convolution over time."""
    assign(variable, np.transpose(checkpoint.tensor(name), (2, 1, 0)), f"{checkpoint.name}: {name}")


def convert_dense(layer, checkpoint, name: str) -> None:
    """Assign kernel and bias of a dense layer."""
    kernel = checkpoint.tensor(f"{name}.weight")
    assign(layer.kernel, np.transpose(kernel), f"{checkpoint.name}: {name}.weight")
    convert_tensor(layer.bias, checkpoint, f"{name}.bias")


def convert_norm(layer, checkpoint, name: str) -> None:
    """Assign scale and offset of a layer or batch norm."""
    convert_tensor(layer.gamma, checkpoint, f"{name}.weight")
    convert_tensor(layer.beta, checkpoint, f"{name}.bias")


def convert_tensor(variable, checkpoint, name: str) -> None:
    """Assign a tensor as it is."""
    assign(variable, checkpoint.tensor(name), f"{checkpoint.name}: {name}")


def _convert_feature_encoder(encoder, checkpoint) -> None:
    for index, convolution in enumerate(encoder.convolutions):
        name = f"feature_extractor.conv_layers.{index}"
        convert_kernel(convolution.kernel, checkpoint, f"{name}.conv.weight")
        if encoder.use_bias:
            convert_tensor(convolution.bias, checkpoint, f"{name}.conv.bias")
        if encoder.norm == "layer":
            convert_norm(encoder.layer_norms[index], checkpoint, f"{name}.layer_norm")
        elif index == 0:
            convert_tensor(encoder.group_norm.scale, checkpoint, f"{name}.layer_norm.weight")
            convert_tensor(encoder.group_norm.offset, checkpoint, f"{name}.layer_norm.bias")


def _convert_mask_embedding(layer, checkpoint) -> None:
    if checkpoint.has("masked_spec_embed"):
        convert_tensor(layer.mask_embedding, checkpoint, "masked_spec_embed")
    else:  # no hidden state depends on it, and transformers continues as well
        logger.warning("%s: has no masked_spec_embed; SpecAugment starts from a random one", checkpoint.name)
        layer.draw_mask_embedding()


def _convert_transformer_layer(layer, checkpoint, name: str) -> None:
    convert_dense(layer.attention.query, checkpoint, f"{name}.attention.q_proj")
    convert_dense(layer.attention.key, checkpoint, f"{name}.attention.k_proj")
    convert_dense(layer.attention.value, checkpoint, f"{name}.attention.v_proj")
    convert_dense(layer.attention.output_projection, checkpoint, f"{name}.attention.out_proj")
    convert_norm(layer.attention_norm, checkpoint, f"{name}.layer_norm")
    convert_dense(layer.intermediate, checkpoint, f"{name}.feed_forward.intermediate_dense")
    convert_dense(layer.output_dense, checkpoint, f"{name}.feed_forward.output_dense")
    convert_norm(layer.output_norm, checkpoint, f"{name}.final_layer_norm")
