"""Imports point downward only: what the map of the README promises."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "kser"

# From the ground up; a package may import those before it, and the shared ground `errors` and `files`.
LAYERS = (
    "audio",
    "corpora",
    "pipeline",
    "checkpoints",
    "models",
    "evaluation",
    "training",
    "experiment",
    "report",
    "startup",
    "cli",
)
GROUND = {"errors", "files"}
# These do not know each other although one stands above the other.
STRANGERS = [
    {"models", "corpora"},
    {"models", "evaluation"},
    {"corpora", "evaluation"},
    {"training", "corpora"},
    {"training", "evaluation"},
    {"pipeline", "corpora"},
    {"checkpoints", "pipeline"},
]
# Worker processes and the command line's help must not wait for these.
HEAVY = {"keras", "keras_hub", "jax", "tensorflow", "torch"}
WITHOUT_KERAS = ("audio", "corpora", "checkpoints", "evaluation")


def modules():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def layer_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module


def imported_layers(path):
    names = imported_modules(ast.parse(path.read_text(encoding="utf-8")))
    return {name.split(".")[1] for name in names if name.startswith("kser.")}


def test_every_module_belongs_to_a_layer():
    assert {layer_of(path) for path in modules()} <= {*LAYERS, *GROUND}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path):
    layer = layer_of(path)
    allowed = GROUND if layer in GROUND else {*LAYERS[: LAYERS.index(layer) + 1], *GROUND}
    assert imported_layers(path) <= allowed


@pytest.mark.parametrize("pair", STRANGERS, ids=lambda pair: " and ".join(sorted(pair)))
def test_strangers_stay_strangers(pair):
    for path in modules():
        if layer_of(path) in pair:
            assert not imported_layers(path) & (pair - {layer_of(path)}), path


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if layer_of(path) in WITHOUT_KERAS],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_what_needs_no_keras_imports_none(path):
    names = {name.split(".")[0] for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))}
    assert not names & HEAVY


def test_training_never_sees_the_experiment():
    for path in modules():
        if layer_of(path) == "training":
            assert "experiment" not in imported_layers(path)


@pytest.mark.parametrize("package", [path.parent for path in sorted(PACKAGE.rglob("__init__.py"))], ids=str)
def test_every_folder_says_what_is_in_it(package):
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
