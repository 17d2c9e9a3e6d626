"""From what pydantic finds wrong with a JSON to lines for people: the field, and what would be right."""

import json
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.field_hints import field_spellings, spellings, what_was_meant
from kser.experiment.config.field_types import INCONSISTENT
from kser.experiment.config.model_config import ModelConfig

_SHOWN_CHARACTERS = 60


def explain(error: ValidationError, schema: type[BaseModel]) -> list[str]:
    """A line for each mistake, beginning with the field; for an unknown field, with what would be right.

    Args:
        error: of the validation of a JSON.
        schema: of the JSON.
    """
    return [_explain(details, schema) for details in error.errors()]


def required_fields(schema: type[BaseModel]) -> str:
    """Names of the fields that a JSON cannot do without."""
    return ", ".join(schema.model_json_schema().get("required", ()))


def reason_and_value(details: Any, shown: str) -> str:
    """What one mistake is, with the value unless fields contradict each other.

    Args:
        details: of `ValidationError.errors`.
        shown: the value as the file has it.
    """
    if details["type"] == INCONSISTENT:
        return str(details["msg"])
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{message[0].lower()}{message[1:]}, not {shown}"


def _explain(details: Any, schema: type[BaseModel]) -> str:
    location = details["loc"]
    field = ".".join(map(str, location))
    match details["type"]:
        case "extra_forbidden":
            *outer, name = location
            return f"{field}: {_explain_unknown(name, _schema_at(schema, outer))}"
        case "missing":
            return f"{field}: is missing"
    value = json.dumps(details["input"], ensure_ascii=False, default=str)
    shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
    if details["type"] == "model_type":
        fields = required_fields(_schema_at(schema, location))
        return f"{field}: should be a JSON object, {{…}}{f', with {fields}' if fields else ''}, not {shown}"
    return f"{field}: {reason_and_value(details, shown)}"


def _explain_unknown(name: str, schema: type[BaseModel]) -> str:
    known = spellings(schema)
    if name in known:
        field = known[name]
        others = field_spellings(field, schema.model_fields[field])
        another = next(spelling for spelling in others if spelling != name)
        return f"is another spelling of {another}, which is given as well; keep one"
    elsewhere: dict[str, type[BaseModel]] = {}
    if issubclass(schema, ModelConfig):
        elsewhere = {"the experiment's JSON": ExperimentConfig}
    elif schema is ExperimentConfig:
        elsewhere = {"a model's JSON": ModelConfig}
    return what_was_meant(name, schema, elsewhere)


def _schema_at(schema: type[BaseModel], location: Sequence[Any]) -> type[BaseModel]:
    """The schema of the object at a place in the file."""
    for part in location:
        # A position in a list or the name of an augmentation leads to no other schema.
        if name := spellings(schema).get(part):
            annotation = schema.model_fields[name].annotation
            nested = [kind for kind in (annotation, *get_args(annotation)) if hasattr(kind, "model_fields")]
            schema = nested[0] if nested else schema
    return schema
