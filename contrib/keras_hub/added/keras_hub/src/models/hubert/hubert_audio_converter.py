from keras_hub.src.api_export import keras_hub_export
from keras_hub.src.models.hubert.hubert_backbone import HubertBackbone
from keras_hub.src.models.wav2vec2.wav2vec2_audio_converter import Wav2Vec2AudioConverter


@keras_hub_export("keras_hub.layers.HubertAudioConverter")
class HubertAudioConverter(Wav2Vec2AudioConverter):
    """`Wav2Vec2AudioConverter`, its arguments, for HuBERT."""

    backbone_cls = HubertBackbone
