"""Backbones by the name that a model JSON gives them."""

import difflib
import inspect
from typing import Any

from kser.errors import UserError
from kser.models.log_mel.log_mel_backbone import LogMelBackbone
from kser.models.preset_loader import preset_loader
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
    _check_values(name, arguments)
    scratch = name.startswith(SCRATCH_PREFIX)
    if scratch and name not in SCRATCH_BACKBONES:
        raise UserError(f"{name}: no such architecture; there are {', '.join(SCRATCH_BACKBONES)}")
    backbone_class: Any = (
        SCRATCH_BACKBONES[name] if scratch else preset_loader(name).matching_class(SpeechBackbone)
    )
    _check_names(backbone_class, arguments)
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
