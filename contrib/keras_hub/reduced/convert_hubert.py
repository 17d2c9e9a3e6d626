from keras_hub.src.models.hubert.hubert_backbone import HubertBackbone
from keras_hub.src.utils.transformers import convert_speech_transformer as shared

backbone_cls = HubertBackbone


def load_audio_converter_config(preset, transformers_config):
    """Arguments of the audio converter."""
    return shared.load_audio_converter_config(preset)
