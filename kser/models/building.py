"""Backbones by the name that a model JSON gives them."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from kser.checkpoints.size_bounds import size_mistake
from kser.errors import UserError
from kser.models.families import SCRATCH_PREFIX, scratch_backbones
from kser.models.initializers import room_for_weights
from kser.models.preset_loader import preset_loader
from kser.models.speech_backbone import SpeechBackbone
from kser.words import nearest_names


def build_backbone(
    name: str,
    arguments: dict[str, Any] | None = None,
    dtype: str | None = None,
    load_weights: bool = True,
) -> SpeechBackbone:
    """A backbone from a checkpoint or preset, or with random weights.

    Args:
        name: one of `scratch_backbones()`, or what `SpeechBackbone.from_preset` takes.
        arguments: constructor arguments that replace the checkpoint's or the class's.
        dtype: what it computes in, a dtype policy, e.g. `"mixed_bfloat16"`; `None` for Keras' own or, of a
            preset, the saved one.
        load_weights: `False` for random weights, of which nothing but the checkpoint's configuration is read.

    Raises:
        UserError: backbone not found, or it does not have one of the arguments.
    """
    arguments = arguments or {}
    _check_values(name, arguments)
    scratch = name.startswith(SCRATCH_PREFIX)
    backbone_class: Any = (
        _scratch_backbone(name) if scratch else preset_loader(name).matching_class(SpeechBackbone)
    )
    _check_names(backbone_class, arguments)
    if dtype is not None:
        arguments = {**arguments, "dtype": dtype}
    too_much = f"{name}: backbone_arguments: describe more weights than the memory of this machine holds"
    try:
        if scratch:
            with room_for_weights(None, too_much):
                return backbone_class(**arguments)
        return backbone_class.from_preset(name, load_weights=load_weights, **arguments)
    except UserError:
        raise
    except Exception as error:  # Keras raises any kind on incompatible values, and reports over many lines
        raise UserError(f"{name}: backbone_arguments: {' '.join(str(error).split())[:300]}") from error


def count_layers(name: str, arguments: dict[str, Any] | None = None) -> int:
    """How many layers a backbone has: the number of its last hidden state. No weights are read or made.

    Args:
        name: as `build_backbone` takes it.
        arguments: likewise.

    Raises:
        UserError: as `build_backbone`.
    """
    with without_values():
        return len(build_backbone(name, arguments, load_weights=False).hidden_states) - 1


@contextmanager
def without_values() -> Iterator[None]:
    """Weights that are created in this block have a shape and no value."""
    keras.utils.clear_session()
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.utils.clear_session()  # else a later scope would make the values


def _scratch_backbone(name: str) -> type[SpeechBackbone]:
    families = scratch_backbones()
    if name not in families:
        raise UserError(f"{name}: unknown architecture; known are {', '.join(families)}")
    return families[name]


def _check_values(name: str, arguments: dict[str, Any]) -> None:
    """Refuse whole numbers (counts, sizes) below 1 or beyond bounds, and dropouts that are not shares."""
    for argument, value in arguments.items():
        for element in value if isinstance(value, list) else [value]:
            if (
                isinstance(element, int)
                and not isinstance(element, bool)
                and element < 1
                and "dropout" not in argument
            ):
                raise UserError(f"{name}: backbone_arguments: {argument}: must be at least 1, got {element}")
            if mistake := size_mistake(argument, element):
                raise UserError(f"{name}: backbone_arguments: {argument}: {mistake}")
            if "dropout" in argument and not (isinstance(element, (int, float)) and 0 <= element < 1):
                raise UserError(
                    f"{name}: backbone_arguments: {argument}: must be at least 0 and below 1, got {element!r}"
                )


def _check_names(backbone_class: type[SpeechBackbone], arguments: dict[str, Any]) -> None:
    known = [name for name in inspect.signature(backbone_class).parameters if name not in ("kwargs", "dtype")]
    for argument in arguments:
        if argument not in known:
            nearest = nearest_names(argument, known)
            hint = f"; did you mean {nearest[0]}?" if nearest else f"; it has {', '.join(known)}"
            raise UserError(f"backbone_arguments: {backbone_class.__name__} has no argument {argument}{hint}")
