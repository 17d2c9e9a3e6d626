"""Which fields of a model JSON describe the head, and which argument of the task's model each becomes."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from kser.experiment.config.needs import requirements, why_idle

_NOTHING_SPECIAL = object()


@dataclass(frozen=True)
class HeadArgument:
    """The field is an argument of `kser.models.EmotionTask`: `Annotated[bool, HeadArgument("use_relu")]`.

    A subclass of `ModelConfig` may give the head further arguments with fields of its own.

    Attributes:
        name: of the argument.
        off: its value where the field has no effect, see `kser.experiment.config.needs`; unless given, the
            field's default.
        may_change: why a model whose training is continued may have another value than before; `None`: it may
            not.
    """

    name: str
    off: Any = _NOTHING_SPECIAL
    may_change: str | None = None


@dataclass(frozen=True)
class HeadField:
    """A field of a model JSON that is an argument of the head.

    Attributes:
        name: of the field.
        argument: what it becomes.
        switches: fields without which it has no effect.
    """

    name: str
    argument: HeadArgument
    switches: tuple[str, ...]

    def value(self, model: BaseModel) -> Any:
        """The value of the argument."""
        if why_idle(model, self.name) is None:
            return getattr(model, self.name)
        if self.argument.off is _NOTHING_SPECIAL:
            return type(model).model_fields[self.name].get_default(call_default_factory=True)
        return self.argument.off

    @property
    def has_off_value(self) -> bool:
        """Whether the value of the argument says if the field has an effect."""
        return self.argument.off is not _NOTHING_SPECIAL


def head_fields(schema: type[BaseModel]) -> list[HeadField]:
    """The fields of a schema that describe the head."""
    needs = requirements(schema)
    return [
        HeadField(name, argument, tuple(other for need in needs.get(name, []) for other in need.fields))
        for name, field in schema.model_fields.items()
        for argument in field.metadata
        if isinstance(argument, HeadArgument)
    ]
