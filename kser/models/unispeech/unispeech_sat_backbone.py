"""The UniSpeech-SAT backbone."""

import keras

from kser.models.families import backbone_family
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone


@backbone_family("unispeech_sat")
@keras.saving.register_keras_serializable(package="kser")
class UniSpeechSatBackbone(Wav2Vec2Backbone):
    """UniSpeech-SAT: a `Wav2Vec2Backbone`, with its arguments, trained to tell speakers apart as well.

    Source: Chen et al. (2021), [UniSpeech-SAT](https://arxiv.org/abs/2110.05752). Hidden states equal those
    of `transformers.UniSpeechSatModel` from the same checkpoint.

    Examples:

        backbone = UniSpeechSatBackbone.from_preset("microsoft/unispeech-sat-base-plus")
    """

    model_types = ("unispeech-sat",)
