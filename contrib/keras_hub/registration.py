"""What the contribution changes in keras-hub's files: which converter is whose, and the public names."""

import difflib
import importlib.util
from pathlib import Path

from contrib.keras_hub.parts import CONVERTERS, FAMILIES, MODELS

LOADER = f"{CONVERTERS}/preset_loader.py"
CLASSES = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}
PUBLIC = {"keras_hub/models/__init__.py": "backbone", "keras_hub/layers/__init__.py": "audio_converter"}


def installed_keras_hub() -> Path:
    """The folder of the installed package, which is not imported."""
    spec = importlib.util.find_spec("keras_hub")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def changed_files() -> dict[str, tuple[str, str]]:
    """Files of the installed keras-hub by path: as they are, and as the contribution makes them."""
    root = installed_keras_hub().parent
    before = {path: (root / path).read_text(encoding="utf-8") for path in (LOADER, *PUBLIC)}
    after = {LOADER: with_converters(before[LOADER])}
    for path, component in PUBLIC.items():
        after[path] = before[path] + public_names(component)
    return {path: (before[path], after[path]) for path in before}


def changes_patch() -> str:
    """What a pull request would change by hand; the public names are made by keras-hub's own program."""
    before, after = changed_files()[LOADER]
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{LOADER}", f"b/{LOADER}"
    )
    return "".join(lines)


def with_converters(loader: str) -> str:
    """keras-hub's `preset_loader.py` that knows the families.

    Raises:
        ValueError: it looks different from 0.32.
    """
    module = CONVERTERS.replace("/", ".")
    for family in FAMILIES:
        line = f"from {module} import convert_{family}\n"
        imports = [text for text in loader.splitlines(keepends=True) if text.startswith(f"from {module} ")]
        if not imports:
            raise ValueError(f"{LOADER}: imports no converters")
        later = next((text for text in imports if text > line), None)
        loader = (
            loader.replace(later, line + later) if later else loader.replace(imports[-1], imports[-1] + line)
        )
    end = '        else:\n            raise ValueError(\n                "KerasHub has no converter'
    if loader.count(end) != 1:
        raise ValueError(f"{LOADER}: does not choose a converter as keras-hub 0.32 does")
    choices = "".join(
        f'        elif model_type == "{family}":\n            self.converter = convert_{family}\n'
        for family in FAMILIES
    )
    return loader.replace(end, choices + end)


def public_names(component: str) -> str:
    """Lines of `keras_hub/models/__init__.py` or `keras_hub/layers/__init__.py`."""
    suffix = "".join(word.title() for word in component.split("_"))
    return "".join(
        f"from {MODELS.replace('/', '.')}.{family}.{family}_{component} import (\n"
        f"    {name}{suffix} as {name}{suffix},\n)\n"
        for family, name in CLASSES.items()
    )
