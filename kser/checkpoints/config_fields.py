"""The fields of a JSON file of a checkpoint, each checked against its default when it is read."""

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from kser.checkpoints.size_bounds import size_mistake
from kser.errors import UserError
from kser.files import read_json


class ConfigFields(dict[str, Any]):
    """The fields of `config.json` or of a feature extractor.

    `get(name, default)` gives the default where the field is absent, and refuses a value of another kind than
    the default: `null` above all, which would otherwise surface far away, or pass for `false`. Fields that
    nothing reads may hold anything.

    Args:
        fields: contents of the file.
        source: what errors call it, e.g. `"FOLDER/config.json"`.

    Examples:

        config = ConfigFields({"hidden_size": None}, "FOLDER/config.json")
        config.get("num_hidden_layers", 12)   # 12
        config.get("hidden_size", 768)        # UserError: …: hidden_size: must be a whole number, got null
    """

    def __init__(self, fields: Mapping[str, Any], source: str):
        super().__init__(fields)
        self.source = source

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default.

        Raises:
            UserError: the value is not of the default's kind, or larger than any model's; `None` as default
                allows any.
        """
        value = super().get(name, default)
        if default is not None and (wanted := _violated(value, default)):
            raise UserError(f"{self.source}: {name}: must be {wanted}, got {_in_json(value)}")
        if default is not None and (mistake := size_mistake(name, value)):
            raise UserError(f"{self.source}: {name}: {mistake}")
        return value


def read_fields(path: Path) -> ConfigFields:
    """The fields of a JSON file.

    Raises:
        UserError: the file is not JSON, or holds something else than fields.
    """
    fields = read_json(path)
    if not isinstance(fields, dict):
        raise UserError(f"{path}: holds a {type(fields).__name__}, not an object with fields")
    return ConfigFields(fields, str(path))


def _violated(value: Any, default: Any) -> str:
    """What a value should have been, in words; empty where it is of the default's kind."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int):
        return "" if _is_number(value, int) else "a whole number"
    if isinstance(default, float):
        return "" if _is_number(value, Real) else "a number"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "a string"
    if isinstance(default, list):
        right = isinstance(value, list) and all(_is_number(element, int) for element in value)
        return "" if right else "a list of whole numbers"
    return ""


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _in_json(value: Any) -> str:
    return "null" if value is None else repr(value)[:80]
