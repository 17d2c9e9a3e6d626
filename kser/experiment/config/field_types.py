"""What the fields of an experiment JSON and of a model JSON have in common: their base and their types."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from kser.experiment.config.needs import fields_in_vain

_LONGEST_NAME_BYTES = 120
LARGEST_SEED = 2**32 - 1  # of the random generators of NumPy and Keras


def _folder_name(name: str) -> str:
    fits = name.isprintable() and name == name.strip() and len(name.encode()) <= _LONGEST_NAME_BYTES
    if not name or not fits or name.startswith(".") or "/" in name or "\\" in name:
        raise ValueError(
            f"should be a name for a folder: 1 to {_LONGEST_NAME_BYTES} bytes, no slash or backslash, "
            "no dot or blank in front, no blank at the end"
        )
    return name


MOST_SEEDS = 10_000  # of one start; each is a run of its own

Name = Annotated[str, AfterValidator(_folder_name)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0.0)]
Text = Annotated[str, Field(min_length=1)]

INCONSISTENT = "inconsistent"
"""Type of the errors about fields that do not go together, see `Config.mistakes`."""


class Config(BaseModel):
    """A JSON object with known fields only, each of exactly the type declared, that go together.

    Files and Python programs are checked alike. With the validation context `{"is_candidate": True}`, for the
    candidates of a search, a field may have no effect.

    Raises:
        pydantic.ValidationError: fields have wrong values, or else do not go together (errors of the type
            `INCONSISTENT`); all of them at once.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    def mistakes(self) -> list[str]:
        """What does not go together, a line each that begins with the field: "folds: must be at least 2"."""
        return []

    def notes(self) -> list[str]:
        """What is no mistake and still worth knowing, likewise."""
        return list(fields_in_vain(self, refused=False))

    @model_validator(mode="after")
    def _check_that_fields_go_together(self, info: ValidationInfo) -> Self:
        is_candidate = (info.context or {}).get("is_candidate", False)
        in_vain = [] if is_candidate else fields_in_vain(self, refused=True)
        if lines := [*in_vain, *self.mistakes()]:
            errors = [self._error(line) for line in lines]
            raise ValidationError.from_exception_data(type(self).__name__, errors)
        return self

    def _error(self, line: str) -> InitErrorDetails:
        field, _, reason = line.partition(": ")
        if not reason or not field.replace(", ", "").isidentifier():
            field, reason = "", line
        error = PydanticCustomError(INCONSISTENT, "{reason}", {"reason": reason})
        return InitErrorDetails(
            type=error, loc=(field,) if field else (), input=getattr(self, field, None) if field else None
        )
