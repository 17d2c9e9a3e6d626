"""What `import kser` offers, and that it costs nothing until it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import kser

HEAVY = {"numpy", "pandas", "pydantic", "keras", "jax", "tensorflow", "typer", "rich", "json", "tempfile"}


def test_importing_kser_imports_nothing_heavy():
    program = f"import sys, kser; print(sorted({HEAVY} & set(sys.modules)))"
    repository = Path(kser.__file__).parents[1]
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("name", kser.__all__)
def test_every_name_is_there_and_listed(name):
    assert getattr(kser, name) is not None
    assert name in dir(kser)


def test_nothing_else_is_listed():
    assert dir(kser) == kser.__all__


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'kser' has no attribute 'EmotionClasifier'"):
        kser.EmotionClasifier  # noqa: B018
