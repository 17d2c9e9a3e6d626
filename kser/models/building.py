"""Backbones by the name that a model JSON gives them."""

import difflib
import inspect
from typing import Any

from kser.errors import UserError
from kser.models.data2vec_audio.data2vec_audio_backbone import Data2VecAudioBackbone
from kser.models.hubert.hubert_backbone import HubertBackbone
from kser.models.log_mel.log_mel_backbone import LogMelBackbone
from kser.models.moonshine.moonshine_encoder_backbone import MoonshineEncoderBackbone
from kser.models.preset_loader import preset_loader
from kser.models.speech_backbone import SpeechBackbone
from kser.models.unispeech.unispeech_backbone import UniSpeechBackbone
from kser.models.unispeech.unispeech_sat_backbone import UniSpeechSatBackbone
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from kser.models.wavlm.wavlm_backbone import WavLMBackbone
from kser.models.whisper.whisper_encoder_backbone import WhisperEncoderBackbone

# Architectures that start from random weights, with nothing to download: of the size of the base models,
# Whisper and Moonshine of the tiny ones, unless `backbone_arguments` ask for another.
SCRATCH_PREFIX = "scratch:"
SCRATCH_BACKBONES: dict[str, type[SpeechBackbone]] = {
    "scratch:log_mel": LogMelBackbone,
    "scratch:wav2vec2": Wav2Vec2Backbone,
    "scratch:hubert": HubertBackbone,
    "scratch:wavlm": WavLMBackbone,
    "scratch:data2vec_audio": Data2VecAudioBackbone,
    "scratch:unispeech": UniSpeechBackbone,
    "scratch:unispeech_sat": UniSpeechSatBackbone,
    "scratch:whisper": WhisperEncoderBackbone,
    "scratch:moonshine": MoonshineEncoderBackbone,
}


def build_backbone(
    name: str, arguments: dict[str, Any] | None = None, dtype: str | None = None
) -> SpeechBackbone:
    """A backbone from a checkpoint or preset, or with random weights.

    Args:
        name: one of `SCRATCH_BACKBONES`, or what `SpeechBackbone.from_preset` takes.
        arguments: constructor arguments that take the place of the checkpoint's or the class's.
        dtype: what it computes in, a dtype policy, e.g. `"mixed_bfloat16"`; `None` for Keras' own or, of a
            preset, the saved one.

    Raises:
        UserError: there is no such backbone, or it has no such argument.
    """
    arguments = arguments or {}
    _check_values(name, arguments)
    scratch = name.startswith(SCRATCH_PREFIX)
    if scratch and name not in SCRATCH_BACKBONES:
        raise UserError(f"{name}: no such architecture; there are {', '.join(SCRATCH_BACKBONES)}")
    backbone_class: Any = (
        SCRATCH_BACKBONES[name] if scratch else preset_loader(name).matching_class(SpeechBackbone)
    )
    _check_names(backbone_class, arguments)
    if dtype is not None:
        arguments = {**arguments, "dtype": dtype}
    try:
        return backbone_class(**arguments) if scratch else backbone_class.from_preset(name, **arguments)
    except (ArithmeticError, IndexError, TypeError, ValueError) as error:
        # What Keras says of values that do not fit together, over many lines.
        raise UserError(f"{name}: backbone_arguments: {' '.join(str(error).split())[:300]}") from error


def _check_values(name: str, arguments: dict[str, Any]) -> None:
    """Whole numbers among the arguments are counts and sizes; dropouts are shares."""
    for argument, value in arguments.items():
        for element in value if isinstance(value, list) else [value]:
            if (
                isinstance(element, int)
                and not isinstance(element, bool)
                and element < 1
                and "dropout" not in argument
            ):
                raise UserError(f"{name}: backbone_arguments: {argument}: wants at least 1, not {element}")
            if "dropout" in argument and not (isinstance(element, (int, float)) and 0 <= element < 1):
                raise UserError(
                    f"{name}: backbone_arguments: {argument}: wants 0 ≤ share < 1, not {element!r}"
                )


def _check_names(backbone_class: type[SpeechBackbone], arguments: dict[str, Any]) -> None:
    known = [name for name in inspect.signature(backbone_class).parameters if name not in ("kwargs", "dtype")]
    for argument in arguments:
        if argument not in known:
            nearest = difflib.get_close_matches(argument, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else f"; it has {', '.join(known)}"
            raise UserError(f"backbone_arguments: {backbone_class.__name__} has no argument {argument}{hint}")
