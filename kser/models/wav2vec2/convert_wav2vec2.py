"""Published Wav2Vec 2.0 checkpoints onto `Wav2Vec2Backbone`; UniSpeech has the same tensors."""

from kser.models.wav2vec2 import convert_speech_transformer as shared


def convert_config(checkpoint) -> dict:
    """Arguments of `Wav2Vec2Backbone` for a checkpoint."""
    return shared.convert_config(checkpoint)


def convert_weights(backbone, checkpoint) -> None:
    """Assign every weight of the backbone from the checkpoint."""
    shared.convert_weights(backbone, checkpoint)
    shared.convert_weight_norm(backbone.get_layer("position_convolution"), checkpoint)
