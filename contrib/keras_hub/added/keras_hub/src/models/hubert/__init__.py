from keras_hub.src.models.hubert.hubert_backbone import HubertBackbone
from keras_hub.src.models.hubert.hubert_presets import backbone_presets
from keras_hub.src.utils.preset_utils import register_presets

register_presets(backbone_presets, HubertBackbone)
