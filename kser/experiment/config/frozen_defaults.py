"""Defaults of a model whose backbone is frozen: those of the original study suit fine-tuning, not a head."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kser.experiment.config.head_argument import HeadArgument
from kser.experiment.config.needs import why_idle

if TYPE_CHECKING:
    from kser.experiment.config.model_config import ModelConfig


@dataclass(frozen=True)
class FrozenDefault:
    """Unless it is given, a field that has an effect has this value where nothing of the backbone is trained.

        learning_rate: Annotated[Positive, FrozenDefault(0.002)] = 5e-5

    Only what training decides by itself may have one; a model whose training is continued keeps its head.
    """

    value: Any


def frozen_defaults(config: "ModelConfig") -> dict[str, Any]:
    """By name the fields of a model JSON that have their default of a frozen backbone, with its value."""
    if config.freeze_layers != "all":
        return {}
    return {
        name: default.value
        for name, field in type(config).model_fields.items()
        for default in field.metadata
        if isinstance(default, FrozenDefault) and name not in config.model_fields_set
        if why_idle(config, name) is None
        if not (
            config.continue_model_training and any(isinstance(item, HeadArgument) for item in field.metadata)
        )
    }


def frozen_notes(config: "ModelConfig") -> list[str]:
    """A line that says which defaults a model JSON has because its backbone is frozen."""
    chosen = [f"{name} {json.dumps(value)}" for name, value in frozen_defaults(config).items()]
    if not chosen:
        return []
    return [f'freeze_layers: "all": only the head is trained, so unless given: {", ".join(chosen)}']


def say_frozen_defaults(schema: dict[str, Any], config: type["ModelConfig"]) -> None:
    """Say in a JSON Schema, field by field, which other default there is."""
    for name, field in config.model_fields.items():
        for default in field.metadata:
            if isinstance(default, FrozenDefault):
                value = json.dumps(default.value)
                schema["properties"][name]["description"] += (
                    f' With freeze_layers "all" the default is {value}.'
                )
