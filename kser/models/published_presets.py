"""The published checkpoints by short name, as KerasHub lists presets: `Wav2Vec2Backbone.presets`.

Importing this module enters `kser.checkpoints.named_checkpoints` in KerasHub's registry, each checkpoint with
the class that loads it. `SpeechBackbone.from_preset("wav2vec2_base")` takes the names with or without that.
"""

from typing import Any

from keras_hub.src.utils.preset_utils import register_presets

from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS, NamedCheckpoint
from kser.models.data2vec_audio.data2vec_audio_backbone import Data2VecAudioBackbone
from kser.models.hubert.hubert_backbone import HubertBackbone
from kser.models.moonshine.moonshine_encoder_backbone import MoonshineEncoderBackbone
from kser.models.speech_backbone import SpeechBackbone
from kser.models.unispeech.unispeech_backbone import UniSpeechBackbone
from kser.models.unispeech.unispeech_sat_backbone import UniSpeechSatBackbone
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from kser.models.wavlm.wavlm_backbone import WavLMBackbone
from kser.models.whisper.whisper_encoder_backbone import WhisperEncoderBackbone

_FAMILIES: tuple[type[SpeechBackbone], ...] = (
    Data2VecAudioBackbone,
    HubertBackbone,
    MoonshineEncoderBackbone,
    UniSpeechBackbone,
    UniSpeechSatBackbone,
    Wav2Vec2Backbone,
    WavLMBackbone,
    WhisperEncoderBackbone,
)


def published_presets(model_types: tuple[str, ...] | None = None) -> dict[str, dict[str, Any]]:
    """Names with their metadata, in the form of KerasHub's tables.

    Args:
        model_types: architectures, e.g. `("wav2vec2",)`; `None` means all.

    Returns:
        For each name `{"metadata": {…}, "kaggle_handle": "hf://OWNER/NAME"}`; `kaggle_handle` is KerasHub's
        word for where the files are.
    """
    return {
        name: _entry(checkpoint)
        for name, checkpoint in NAMED_CHECKPOINTS.items()
        if model_types is None or checkpoint.model_type in model_types
    }


def _entry(checkpoint: NamedCheckpoint) -> dict[str, Any]:
    return {
        "metadata": {
            "description": f"{checkpoint.repository}, arXiv {checkpoint.paper}",
            "params": checkpoint.parameters,
            "path": checkpoint.model_type,
            "repository": checkpoint.repository,
            "revision": checkpoint.revision,
            "licence": checkpoint.licence,
            "sampling_rate": checkpoint.sampling_rate_hz,
            "paper": f"https://arxiv.org/abs/{checkpoint.paper}",
        },
        "kaggle_handle": f"hf://{checkpoint.repository}",
    }


for _family in _FAMILIES:
    register_presets(published_presets(_family.model_types), _family)
