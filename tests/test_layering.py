"""Imports point downward only: what the map in CONTRIBUTING.md promises."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "kser"

# From the ground up; a package may import those before it, and the shared ground `GROUND`.
LAYERS = (
    "audio",
    "corpora",
    "pipeline",
    "checkpoints",
    "keras_internals",
    "startup",
    "models",
    "evaluation",
    "analysis",
    "training",
    "experiment",
    "serving",
    "representations",
    "report",
    "cli",
    "__main__",
)
GROUND = {
    "console",
    "delimited",
    "errors",
    "files",
    "grouping",
    "locks",
    "markdown",
    "processes",
    "progress_bar",
    "spreadsheets",
    "strict_json",
    "threads",
    "time_left",
    "words",
}
# These do not know each other although one stands above the other.
STRANGERS = [
    {"models", "corpora"},
    {"models", "evaluation"},
    {"corpora", "evaluation"},
    {"training", "corpora"},
    {"training", "evaluation"},
    {"analysis", "models"},
    {"analysis", "corpora"},
    {"analysis", "training"},
    {"pipeline", "corpora"},
    {"checkpoints", "pipeline"},
]
# Worker processes and the command line's help must not wait for these.
HEAVY = {"keras", "keras_hub", "jax", "tensorflow", "torch"}
WITHOUT_KERAS = {"audio", "corpora", "checkpoints", "evaluation", "analysis"}
# The folders of the experiment, from the ground up.
ROOMS = (
    "tasks",
    "config",
    "runs",
    "search",
    "evaluating",
    "execution",
    "checking",
    "augmentation_examples",
    "quickstart",
    "study",
    "executors",
)
MOST_ROOMS, MOST_ARROWS = 15, 40


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported_modules(path: Path) -> list[str]:
    """Every module that a file imports; of `from a.b import c` both a.b and a.b.c, as c may be a module."""
    names = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def imported_layers(path: Path) -> set[str]:
    packages = {*LAYERS, *GROUND}
    parts = [name.split(".") for name in imported_modules(path)]
    return {part[1] for part in parts if part[0] == "kser" and len(part) > 1 and part[1] in packages}


def offenders(forbidden: dict[Path, set[str]]) -> list[str]:
    """A line for each file that imports what it must not."""
    return [
        f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(names))}"
        for path, names in forbidden.items()
        if names
    ]


def test_every_module_belongs_to_a_layer():
    assert {layer_of(path) for path in modules()} <= {*LAYERS, *GROUND}


def test_imports_point_downward():
    def allowed(layer: str) -> set[str]:
        return GROUND if layer in GROUND else {*LAYERS[: LAYERS.index(layer) + 1], *GROUND}

    upward = {path: imported_layers(path) - allowed(layer_of(path)) for path in modules()}
    assert not offenders(upward)


def test_strangers_stay_strangers():
    def strangers_of(layer: str) -> set[str]:
        return set().union(*(pair for pair in STRANGERS if layer in pair)) - {layer}

    met = {path: imported_layers(path) & strangers_of(layer_of(path)) for path in modules()}
    assert not offenders(met)


def test_what_needs_no_keras_imports_none():
    heavy = {
        path: {name.split(".")[0] for name in imported_modules(path)} & HEAVY
        for path in modules()
        if layer_of(path) in WITHOUT_KERAS
    }
    assert not offenders(heavy)


def arrows_in_experiment() -> dict[tuple[str, str], set[str]]:
    """Which room of the experiment imports which, and the files that do it."""
    arrows: dict[tuple[str, str], set[str]] = {}
    for path in (PACKAGE / "experiment").rglob("*/*.py"):
        file = path.relative_to(PACKAGE / "experiment")
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[:2] == ["kser", "experiment"] and len(parts) > 2 and parts[2] != file.parts[0]:
                arrows.setdefault((file.parts[0], parts[2]), set()).add(str(file))
    return arrows


def test_rooms_of_the_experiment_import_only_rooms_below_them():
    rooms = {path.parent.name for path in (PACKAGE / "experiment").glob("*/__init__.py")}
    assert rooms == set(ROOMS)
    upward = {
        f"{room} imports {other}": files
        for (room, other), files in arrows_in_experiment().items()
        if ROOMS.index(other) > ROOMS.index(room)
    }
    assert not upward


def test_the_experiment_has_few_rooms_and_few_arrows_between_them():
    assert len(ROOMS) <= MOST_ROOMS
    assert len(arrows_in_experiment()) <= MOST_ARROWS


def test_every_folder_says_what_is_in_it():
    packages = PACKAGE.rglob("__init__.py")
    assert not [str(path) for path in packages if not ast.get_docstring(tree_of(path))]
