from keras_hub.src.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from keras_hub.src.models.wav2vec2.wav2vec2_presets import backbone_presets
from keras_hub.src.utils.preset_utils import register_presets

register_presets(backbone_presets, Wav2Vec2Backbone)
