from keras_hub.src.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from keras_hub.src.utils.transformers import convert_speech_transformer as shared

backbone_cls = Wav2Vec2Backbone


def load_audio_converter_config(preset, transformers_config):
    """Arguments of the audio converter."""
    return shared.load_audio_converter_config(preset)
