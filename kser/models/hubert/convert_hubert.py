"""Published HuBERT checkpoints (the layout of `transformers`) onto `HubertBackbone`.

Source: the tensor names of `transformers/models/hubert/modeling_hubert.py`.
"""

from kser.models.wav2vec2 import convert_speech_transformer as shared


def convert_config(checkpoint) -> dict:
    """Arguments of `HubertBackbone` for a checkpoint."""
    return {
        **shared.convert_config(checkpoint),
        "feature_projection_norm": checkpoint.config.get("feat_proj_layer_norm", True),
        "position_batch_norm": checkpoint.config.get("conv_pos_batch_norm", False),
    }


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    shared.convert_weights(backbone, checkpoint)
    layer = backbone.get_layer("position_convolution")
    if not backbone.position_batch_norm:
        shared.convert_weight_norm(layer, checkpoint)
        return
    name = "encoder.pos_conv_embed"
    shared.convert_norm(layer.batch_norm, checkpoint, f"{name}.batch_norm")
    shared.convert_tensor(layer.batch_norm.moving_mean, checkpoint, f"{name}.batch_norm.running_mean")
    shared.convert_tensor(layer.batch_norm.moving_variance, checkpoint, f"{name}.batch_norm.running_var")
    shared.convert_kernel(layer.kernel, checkpoint, f"{name}.conv.weight")
    shared.convert_tensor(layer.bias, checkpoint, f"{name}.conv.bias")
