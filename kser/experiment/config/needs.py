"""What a field of a JSON needs to have an effect: said where the field is declared, and only there.

    dropout_rate: Annotated[float, Needs("use_dropout")] = 0.5

`requirements` is the table that follows. Validation refuses a field that is given in vain, a search refuses
to search one that no candidate would use, and the arguments of a head leave it out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class _Setting:
    """A value of another field; no value: any that is not false, null, 0 or empty."""

    field: str
    value: Any = None

    def holds(self, config: BaseModel) -> bool:
        value = getattr(config, self.field)
        return bool(value) if self.value is None else bool(value == self.value)

    def in_words(self, config: BaseModel) -> str:
        if self.value is not None:
            return f"{self.field} is {str(self.value).lower()}"
        return f"{self.field} is {'true' if isinstance(getattr(config, self.field), bool) else 'given'}"


class _Requirement:
    """Settings of other fields that decide whether a field has an effect.

    Args:
        *fields: names of fields that are on: true, or given.
        refused: whether the field is refused where it is given in vain; else it is only noted.
        hint: what somebody who gives the field in vain may have meant.
        **values: fields with a certain value.
    """

    def __init__(self, *fields: str, refused: bool = True, hint: str = "", **values: Any):
        self.refused = refused
        self.hint = hint
        self.settings = [
            *(_Setting(field) for field in fields),
            *(_Setting(field, value) for field, value in values.items()),
        ]

    @property
    def fields(self) -> list[str]:
        """Names of the other fields."""
        return [setting.field for setting in self.settings]

    def why_idle(self, config: BaseModel) -> str | None:
        """Why a field that requires this has no effect; `None` where it has one."""
        raise NotImplementedError

    def is_claimed(self, config: BaseModel, field: str) -> bool:
        """Whether a config that gives the field seems to count on its effect."""
        return getattr(config, field) not in (None, type(config).model_fields[field].get_default())


class Needs(_Requirement):
    """The field has no effect unless one of these is on."""

    def why_idle(self, config: BaseModel) -> str | None:
        if any(setting.holds(config) for setting in self.settings):
            return None
        return f"has no effect unless {' or '.join(setting.in_words(config) for setting in self.settings)}"

    def is_claimed(self, config: BaseModel, field: str) -> bool:
        # The default counts, too, unless the same file turns the switch off.
        switched_off = config.model_fields_set.issuperset(self.fields)
        is_off = getattr(config, field) in (None, False)
        return super().is_claimed(config, field) or not (switched_off or is_off)


class NotWith(_Requirement):
    """The field has no effect where one of these is on."""

    def why_idle(self, config: BaseModel) -> str | None:
        for setting in self.settings:
            if setting.holds(config):
                return f"has no effect where {setting.in_words(config)}"
        return None


def requirements(schema: type[BaseModel]) -> dict[str, list[_Requirement]]:
    """By field what it needs; fields that need nothing are left out."""
    return {
        name: found
        for name, field in schema.model_fields.items()
        if (found := [item for item in field.metadata if isinstance(item, _Requirement)])
    }


def why_idle(config: BaseModel, field: str) -> str | None:
    """Why a field has no effect, whatever its value; `None` where it has one."""
    reasons = (need.why_idle(config) for need in requirements(type(config)).get(field, []))
    return next((reason for reason in reasons if reason is not None), None)


def fields_in_vain(config: BaseModel, refused: bool) -> Iterator[str]:
    """A line for each field that is given and has no effect, those to be refused or the others.

    The value that a field has anyway is no claim where the switch that it needs is given and off: what
    `model_dump` gives is valid.
    """
    for field, needs in requirements(type(config)).items():
        for need in needs:
            reason = need.why_idle(config)
            is_given = field in config.model_fields_set and need.is_claimed(config, field)
            if reason is not None and is_given and need.refused is refused:
                yield f"{field}: {reason}{f'; {need.hint}' if need.hint else ''}"
                break
