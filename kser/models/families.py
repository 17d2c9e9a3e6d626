"""The families of backbones, by the name with which a model JSON asks for one with random weights."""

from collections.abc import Callable
from typing import TypeVar

from kser.keras_internals import register_presets
from kser.models.published_presets import published_presets
from kser.models.speech_backbone import SpeechBackbone

SCRATCH_PREFIX = "scratch:"

FAMILIES: dict[str, type[SpeechBackbone]] = {}
"""The class of each family by its name."""

Backbone = TypeVar("Backbone", bound=type[SpeechBackbone])


def backbone_family(name: str) -> Callable[[Backbone], Backbone]:
    """Class decorator: register a backbone as a family.

    `scratch:NAME` then builds one with the defaults of its constructor, and KerasHub lists the published
    checkpoints of its `model_types` that have a short name. What else sets families apart is in the class,
    see `SpeechBackbone`. A later class replaces an earlier one of the same name.

    Args:
        name: e.g. `"wavlm"`.

    Examples:

        @backbone_family("wavlm")
        @keras.saving.register_keras_serializable(package="kser")
        class WavLMBackbone(SpeechTransformerBackbone):
            model_types = ("wavlm",)
    """

    def register(backbone: Backbone) -> Backbone:
        FAMILIES[name] = backbone
        register_presets(published_presets(backbone.model_types), backbone)
        return backbone

    return register


def scratch_backbones() -> dict[str, type[SpeechBackbone]]:
    """The class of each `scratch:NAME`, in alphabetical order."""
    return {f"{SCRATCH_PREFIX}{name}": FAMILIES[name] for name in sorted(FAMILIES)}
