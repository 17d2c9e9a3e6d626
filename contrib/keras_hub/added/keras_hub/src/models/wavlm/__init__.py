from keras_hub.src.models.wavlm.wavlm_backbone import WavLMBackbone
from keras_hub.src.models.wavlm.wavlm_presets import backbone_presets
from keras_hub.src.utils.preset_utils import register_presets

register_presets(backbone_presets, WavLMBackbone)
