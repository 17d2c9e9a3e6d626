from keras_hub.src.models.wavlm.wavlm_backbone import WavLMBackbone
from keras_hub.src.utils.transformers import convert_speech_transformer as shared

backbone_cls = WavLMBackbone


def load_audio_converter_config(preset, transformers_config):
    """Arguments of the audio converter.

    Base and Base+, which have group norm, were trained without normalised audio, Large with it
    (https://github.com/microsoft/unilm/issues/708).
    """
    normalizes_audio = transformers_config.get("feat_extract_norm", "group") == "layer"
    return shared.load_audio_converter_config(preset, normalizes_audio)
