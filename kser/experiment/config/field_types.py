"""What the fields of an experiment JSON and of a model JSON have in common: their base and their types."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


Name = Annotated[str, AfterValidator(_folder_name)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class Config(BaseModel):
    """A JSON object with known fields only, each of exactly the type declared."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )
