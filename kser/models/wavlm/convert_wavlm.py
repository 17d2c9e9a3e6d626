"""Published WavLM checkpoints (the layout of `transformers`) onto `WavLMBackbone`.

Source: the tensor names of `transformers/models/wavlm/modeling_wavlm.py`.
"""

from kser.models.wav2vec2 import convert_speech_transformer as shared


def convert_config(checkpoint) -> dict:
    """Arguments of `WavLMBackbone` for a checkpoint."""
    return {
        **shared.convert_config(checkpoint),
        "num_buckets": checkpoint.config.get("num_buckets", 320),
        "max_distance": checkpoint.config.get("max_bucket_distance", 800),
    }


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    shared.convert_weights(backbone, checkpoint)
    shared.convert_weight_norm(backbone.get_layer("position_convolution"), checkpoint)
    # The first layer's attention holds the bias of all layers.
    embedding = backbone.get_layer("position_bias").embedding
    shared.convert_tensor(embedding, checkpoint, "encoder.layers.0.attention.rel_attn_embed.weight")
    for index in range(backbone.num_layers):
        attention = backbone.get_layer(f"transformer_layer_{index}").attention
        name = f"encoder.layers.{index}.attention"
        shared.convert_dense(attention.gate_projection, checkpoint, f"{name}.gru_rel_pos_linear")
        shared.convert_tensor(attention.gate_scale, checkpoint, f"{name}.gru_rel_pos_const")
