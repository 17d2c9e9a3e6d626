"""Backbones by the name that a model JSON gives them."""

import difflib
import inspect
from typing import Any

from kser.errors import UserError
from kser.models.log_mel.log_mel_backbone import LogMelBackbone
from kser.models.speech_backbone import SpeechBackbone
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone

# Architectures that start from random weights, with nothing to download.
SCRATCH_PREFIX = "scratch:"
SCRATCH_BACKBONES: dict[str, type[SpeechBackbone]] = {
    "scratch:log_mel": LogMelBackbone,
    "scratch:wav2vec2": Wav2Vec2Backbone,
}


def build_backbone(name: str, arguments: dict[str, Any] | None = None) -> SpeechBackbone:
    """A backbone from a checkpoint or preset, or with random weights.

    Args:
        name: `"scratch:log_mel"`, `"scratch:wav2vec2"`, or what `SpeechBackbone.from_preset` takes.
        arguments: constructor arguments that take the place of the checkpoint's or the class's.

    Raises:
        UserError: there is no such backbone, or it has no such argument.
    """
    arguments = arguments or {}
    if not name.startswith(SCRATCH_PREFIX):
        return SpeechBackbone.from_preset(name, **arguments)
    if name not in SCRATCH_BACKBONES:
        raise UserError(f"{name}: no such architecture; there are {', '.join(SCRATCH_BACKBONES)}")
    backbone_class = SCRATCH_BACKBONES[name]
    _check_arguments(backbone_class, arguments)
    try:
        return backbone_class(**arguments)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: backbone_arguments: {error}") from None


def _check_arguments(backbone_class: type[SpeechBackbone], arguments: dict[str, Any]) -> None:
    known = [name for name in inspect.signature(backbone_class).parameters if name not in ("kwargs", "dtype")]
    for argument in arguments:
        if argument not in known:
            nearest = difflib.get_close_matches(argument, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else f"; it has {', '.join(known)}"
            raise UserError(f"backbone_arguments: {backbone_class.__name__} has no argument {argument}{hint}")
