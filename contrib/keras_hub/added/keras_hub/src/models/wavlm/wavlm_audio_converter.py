from keras_hub.src.api_export import keras_hub_export
from keras_hub.src.models.wav2vec2.wav2vec2_audio_converter import Wav2Vec2AudioConverter
from keras_hub.src.models.wavlm.wavlm_backbone import WavLMBackbone


@keras_hub_export("keras_hub.layers.WavLMAudioConverter")
class WavLMAudioConverter(Wav2Vec2AudioConverter):
    """`Wav2Vec2AudioConverter`, its arguments, for WavLM."""

    backbone_cls = WavLMBackbone
