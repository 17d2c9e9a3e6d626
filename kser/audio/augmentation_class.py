"""From the names of a module and a class to the object, with the field of each mistake."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from kser.errors import UserError
from kser.files import resolve_input
from kser.words import nearest_names

_KNOWN_MODULES = ("audiomentations", "torch_audiomentations", "kser.audio.spectrogram_masks")
_SHOWN_OF_A_REASON = 300
_NAMED_AT_MOST = 8


def build_object(
    field: str, module: str, class_name: str, arguments: Mapping[str, Any], folder: Path | None
) -> Any:
    """Import a class and call it with its arguments.

    Values of JSON become what such classes take: a list of numbers a tuple (a range), an object with `module`
    and `class` such an object (transforms within a `Compose`), and the text of an argument named
    `path`, `…_path` or `…_paths` the path beside the experiment file, where there is one.

    Args:
        field: its place in the file, e.g. `augmentations.noise`.
        module: of Python, or a file that ends in `.py`.
        class_name: within it.
        arguments: of the class.
        folder: where files are looked for before the working folder.

    Raises:
        UserError: the module or class is not found, or does not accept the arguments.
    """
    found = _find_class(field, _find_module(f"{field}.module", module, folder), module, class_name)
    values = {name: _as_argument(f"{field}.{name}", value, folder) for name, value in arguments.items()}
    _check_names(field, found, class_name, values)
    try:
        built = found(**values)
    except Exception as error:
        raise UserError(f"{field}: {class_name} refuses its arguments: {reason_of(error)}") from error
    if not callable(built):
        raise UserError(
            f"{field}.class: {class_name} makes {type(built).__name__} objects, which cannot be called with "
            "samples and their rate"
        )
    return built


def reason_of(error: BaseException) -> str:
    """What another's code raised, in one line; of an assertion without words, the assertion."""
    reason = " ".join(str(error).split())
    if not reason and isinstance(error, AssertionError):
        reason = traceback.extract_tb(error.__traceback__)[-1].line or ""
    if len(reason) > _SHOWN_OF_A_REASON:
        reason = f"{reason[:_SHOWN_OF_A_REASON]}…"
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _find_module(field: str, module: Any, folder: Path | None) -> ModuleType:
    if not isinstance(module, str):
        raise UserError(f"{field}: should be the name of a module or file, not {module!r}")
    if module.endswith(".py"):
        return _load_file(field, resolve_input(module, beside=folder))
    if not all(part.isidentifier() for part in module.split(".")):
        raise UserError(
            f"{field}: should be a Python module, e.g. audiomentations, or a file that ends in .py, not "
            f"{module!r}"
        )
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module == missing or module.startswith(f"{missing}."):
            raise UserError(f"{field}: module {module!r} not found; {_hint(module, folder)}") from None
        raise UserError(
            f"{field}: {module} needs the module {missing!r}, which is not installed here"
        ) from error
    except Exception as error:
        raise UserError(f"{field}: {module} cannot be imported: {reason_of(error)}") from error


def _hint(module: str, folder: Path | None) -> str:
    """What may have been meant by a module that is not found."""
    file = f"{module.replace('.', '/')}.py"
    if resolve_input(file, beside=folder).is_file():
        return f"did you mean the file {file!r}?"
    top = module.partition(".")[0]
    if top in _KNOWN_MODULES:
        return f"pip install {top.replace('_', '-')}"
    if nearest := nearest_names(module, _KNOWN_MODULES):
        return f"did you mean {nearest[0]}?"
    return "install its package, or name a file of yours that ends in .py"


def _load_file(field: str, path: Path) -> ModuleType:
    """Run a user's file as a module of its own."""
    if not path.is_file():
        raise UserError(f"{field}: file not found: {path}")
    name = f"kser_augmentation_{hashlib.sha256(bytes(path)).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # of any file that ends in .py
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickle look a class's module up by its name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserError(f"{field}: {path}{_line_of(error, path)}: {reason_of(error)}") from error
    return module


def _line_of(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f", line {lines[-1]}" if lines else ""


def _find_class(field: str, module: ModuleType, module_name: str, class_name: str) -> Any:
    found = getattr(module, class_name, None)
    if found is None:
        classes = [name for name, value in vars(module).items() if isinstance(value, type) and name[0] != "_"]
        raise UserError(
            f"{field}.class: {class_name!r} not found in {module_name}; {_nearest(class_name, classes)}"
        )
    if not callable(found):
        raise UserError(
            f"{field}.class: {class_name} in {module_name} is not a class but a {type(found).__name__}"
        )
    return found


def _nearest(name: str, names: Iterable[str]) -> str:
    named = sorted(names)
    if nearest := nearest_names(name, named, most=3):
        return f"did you mean {' or '.join(nearest)}?"
    if not named:
        return "it has none at all"
    return f"it has {', '.join(named[:_NAMED_AT_MOST])}{' …' if len(named) > _NAMED_AT_MOST else ''}"


def _check_names(field: str, found: Any, class_name: str, values: Mapping[str, Any]) -> None:
    """Every argument is one that the class takes, and none that it needs is missing."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # classes written in C have none
        return
    free = [p for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = [p.name for p in parameters if p not in free]
    mistakes = []
    if not any(p.kind is p.VAR_KEYWORD for p in free):
        mistakes = [
            f"{field}.{name}: not an argument of {class_name}; {_nearest(name, names)}"
            for name in values
            if name not in names
        ]
    needed = [p.name for p in parameters if p not in free and p.default is p.empty]
    if missing := [name for name in needed if name not in values]:
        mistakes.append(f"{field}: {class_name} needs {', '.join(missing)} as well")
    if mistakes:
        raise UserError("\n".join(mistakes))


def _as_argument(field: str, value: Any, folder: Path | None) -> Any:
    if isinstance(value, Mapping):
        if {"module", "class"} <= value.keys():
            inner = {name: part for name, part in value.items() if name not in ("module", "class")}
            return build_object(field, value["module"], value["class"], inner, folder)
        return {name: _as_argument(f"{field}.{name}", part, folder) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        if value and all(item is None or isinstance(item, (int, float)) for item in value):
            return tuple(value)
        # The members of `sounds_paths` are paths.
        return [_as_argument(field, item, folder) for item in value]
    if isinstance(value, str) and field.rpartition(".")[2].endswith(("path", "paths")):
        return str(resolve_input(value, beside=folder))
    return value
