"""The UniSpeech backbone."""

import keras

from kser.models.families import backbone_family
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone


@backbone_family("unispeech")
@keras.saving.register_keras_serializable(package="kser")
class UniSpeechBackbone(Wav2Vec2Backbone):
    """UniSpeech: a `Wav2Vec2Backbone`, with its arguments, trained with phonetic labels as well.

    Source: Wang et al. (2021), [UniSpeech](https://arxiv.org/abs/2101.07597). Hidden states equal those of
    `transformers.UniSpeechModel` from the same checkpoint.

    Examples:

        backbone = UniSpeechBackbone.from_preset("microsoft/unispeech-large-1500h-cv")
    """

    model_types = ("unispeech",)
