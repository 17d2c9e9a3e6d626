"""contrib/keras_hub: what is built of kser's classes for keras-hub passes keras-hub's own checks."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from contrib.keras_hub.build import build
from contrib.keras_hub.check import failing_backends
from contrib.keras_hub.compare import is_equal, small_checkpoints
from contrib.keras_hub.parts import PARTS, Part
from contrib.keras_hub.prose import narrowed
from contrib.keras_hub.registration import with_converters
from contrib.keras_hub.rewriting import BuildError, rewritten
from tests.golden import golden_folder

REPOSITORY = Path(__file__).parents[2]
ALLOWED = {"keras", "keras_hub", "numpy"}
ALLOWED_IN_TESTS = ALLOWED | {"absl", "json", "pathlib", "pytest", "safetensors", "tensorflow"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contribution."""
    folder = tmp_path_factory.mktemp("contribution")
    build(folder)
    return folder


def modules(folder: Path) -> dict[str, str]:
    """Source texts by path."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.py"))}


def test_built_twice_it_is_the_same(built: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "again")
    assert [(built / path).read_bytes() for path in again] == [
        (tmp_path / "again" / path).read_bytes() for path in again
    ]
    assert {str(path) for path in again if path.suffix == ".py"} == set(modules(built))


def test_it_has_the_shape_of_a_contribution(built: Path) -> None:
    paths = set(modules(built))
    for family in ("wav2vec2", "hubert", "wavlm"):
        folder = f"keras_hub/src/models/{family}"
        for name in ("backbone", "backbone_test", "audio_converter", "audio_converter_test", "presets"):
            assert f"{folder}/{family}_{name}.py" in paths
        assert f"{folder}/__init__.py" in paths
        assert f"keras_hub/src/utils/transformers/convert_{family}.py" in paths
    assert "+            self.converter = convert_wavlm\n" in (built / "changes.patch").read_text()


def test_it_imports_only_what_keras_hub_does(built: Path) -> None:
    for path, source in modules(built).items():
        imported = {
            (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
            for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.Import, ast.ImportFrom))
        }
        assert imported <= (ALLOWED_IN_TESTS if path.endswith("_test.py") else ALLOWED), path
        assert "kser" not in source, path


def test_no_annotation_is_left(built: Path) -> None:
    for path, source in modules(built).items():
        for node in ast.walk(ast.parse(source)):
            annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
            assert annotation is None, f"{path}: {ast.unparse(node)}"


def test_ruff_with_keras_hubs_settings_has_nothing_to_say(built: Path) -> None:
    settings = ["--config", REPOSITORY / "contrib" / "keras_hub" / "upstream_ruff.toml", "--no-cache"]
    for command in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *settings, built], check=True)


def test_what_is_not_empty_is_not_written_into(built: Path) -> None:
    with pytest.raises(FileExistsError, match="is not empty"):
        build(built)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"left_out": ("forgotten",)}, "has no forgotten, which parts.py leaves out"),
        ({"edits": {"text of yesterday": ""}}, "does not hold the text that parts.py edits"),
    ],
    ids=["name", "text"],
)
def test_where_kser_changed_the_build_says_what_must_follow(changed: dict, message: str) -> None:
    with pytest.raises(BuildError, match=f"{PARTS[0].source}: {message}"):
        rewritten(Part(PARTS[0].source, PARTS[0].target, **changed), REPOSITORY)


def test_another_keras_hub_is_not_changed_by_guess() -> None:
    with pytest.raises(ValueError, match="does not choose a converter as keras-hub"):
        with_converters("from keras_hub.src.utils.transformers import convert_vit\n")


def test_prose_fits_and_says_the_same() -> None:
    long = " ".join(["word"] * 30)
    source = (
        f'def f(x, dim):\n    """Short.\n\n    {long}\n\n    Args:\n        x: tensor.\n'
        f"        dim: int, {long}\n\n    Source: {long}\n\n    Examples:\n\n        f(1)\n    "
        f'"""\n    # {long}\n    return x[dim]  # {long}\n'
    )
    made = narrowed(source)
    assert max(map(len, made.splitlines())) <= 80
    assert made.lower().count("word") == source.count("word")
    assert "\n        dim: int. Word word" in made
    assert "\n    Reference:\n        word" in made
    assert "\n    ```python\n    f(1)\n    ```" in made
    assert made.endswith("    return x[dim]\n")


@pytest.mark.thorough
def test_keras_hubs_checks_pass_on_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    assert failing_backends([keras.config.backend()], only="position") == []


@pytest.mark.thorough
def test_hidden_states_are_those_of_transformers() -> None:
    assert is_equal(keras.config.backend(), [golden_folder("wavlm_large")])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_keras_hubs_checks_pass(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    assert failing_backends([backend]) == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_all_hidden_states_are_those_of_transformers(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    assert is_equal(backend, small_checkpoints())
