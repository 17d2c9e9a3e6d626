"""Published data2vec-audio checkpoints (the layout of `transformers`) onto `Data2VecAudioBackbone`.

Source: the tensor names of `transformers/models/data2vec/modeling_data2vec_audio.py`.
"""

from kser.models.wav2vec2 import convert_speech_transformer as shared


def convert_config(checkpoint) -> dict:
    """Arguments of `Data2VecAudioBackbone` for a checkpoint."""
    arguments = shared.convert_config(checkpoint)
    # The architecture has only one kind of each.
    del arguments["feature_norm"], arguments["norm_first"]
    return {
        **arguments,
        "position_depth": checkpoint.config.get("num_conv_pos_embeddings", 5),
        "position_kernel_size": checkpoint.config.get("conv_pos_kernel_size", 19),
    }


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    shared.convert_weights(backbone, checkpoint)
    layer = backbone.get_layer("position_convolution")
    for index, (kernel, bias) in enumerate(zip(layer.kernels, layer.biases, strict=True)):
        name = f"encoder.pos_conv_embed.layers.{index}.conv"
        shared.convert_kernel(kernel, checkpoint, f"{name}.weight")
        shared.convert_tensor(bias, checkpoint, f"{name}.bias")
