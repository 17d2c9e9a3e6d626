"""What the JSON files of a preset may ask for: registered classes, in sizes that can be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from kser.checkpoints.size_bounds import size_mistakes
from kser.errors import UserError
from kser.files import read_json


def check_saved_object(path: Path) -> None:
    """Refuse a file of a preset that could make Keras import, run or read anything of its choosing.

    A preset comes from strangers. All that it may name are classes that are registered by now, by kser or by
    the user's program, and Keras' dtype policies. KerasHub's own classes, some of which read files that they
    are given the names of, and layers of Keras (`Lambda`, `TFSMLayer`, `StringLookup`) are part of no preset
    of kser.

    Args:
        path: of a JSON file that `keras_hub` is to make an object of.

    Raises:
        UserError: it is not such a file, or names something else, or has sizes that no model has.
    """
    saved = read_json(path)
    if not isinstance(saved, dict) or not isinstance(saved.get("config"), dict):
        raise UserError(f"{path}: is no file of a preset: it has no object `config`")
    for mistake in (*_strange_objects(saved), *size_mistakes(saved)):
        raise UserError(f"{path}: {mistake}")


def _strange_objects(value: Any) -> Iterator[str]:
    """What is no registered class of a model, anywhere within a JSON value."""
    if isinstance(value, dict):
        named = [value[name] for name in ("class_name", "registered_name") if value.get(name) is not None]
        if named and not _is_registered(value.get("registered_name")) and not _is_dtype_policy(value):
            yield (
                f"names {json.dumps(named[-1])[:80]}, which is not a class that kser or your program has "
                "registered (with keras.saving.register_keras_serializable); import what defines it first"
            )
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strange_objects(inner)


def _is_registered(name: Any) -> bool:
    if not isinstance(name, str) or name.startswith("keras_hub>"):
        return False
    return isinstance(keras.saving.get_registered_object(name), type)


def _is_dtype_policy(value: dict[str, Any]) -> bool:
    name = value.get("class_name")
    of_keras = str(value.get("module")).partition(".")[0] == "keras" and value.get("registered_name") is None
    return of_keras and isinstance(name, str) and name.endswith(("DTypePolicy", "DTypePolicyMap"))
