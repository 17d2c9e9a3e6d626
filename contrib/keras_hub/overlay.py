"""The installed keras-hub with the contribution in it, as a copy: nothing installed is changed."""

import shutil
from pathlib import Path

from contrib.keras_hub.build import build, write
from contrib.keras_hub.registration import changed_files, installed_keras_hub

PYTEST = """[pytest]
addopts = -q -p no:cacheprovider --import-mode=importlib
markers =
    large: slow
    extra_large: needs the network
filterwarnings =
    error
    ignore::DeprecationWarning
    ignore::ImportWarning
    ignore::RuntimeWarning
    ignore::PendingDeprecationWarning
    ignore::FutureWarning
    ignore::UserWarning
"""
"""keras-hub's settings; its markers are made in a `conftest.py` that it does not install."""


def make_overlay(folder: Path) -> list[Path]:
    """Write the copy; `PYTHONPATH=FOLDER` is then keras-hub with the contribution.

    Args:
        folder: new or empty.

    Returns:
        The tests of the contribution.
    """
    files = build(folder / "contribution")
    shutil.copytree(installed_keras_hub(), folder / "keras_hub")
    sources = [path for path in files if path.suffix == ".py"]
    for path in sources:
        write(folder / path, (folder / "contribution" / path).read_text(encoding="utf-8"))
    for path, (_, after) in changed_files().items():
        write(folder / path, after)
    write(folder / "pytest.ini", PYTEST)
    return [folder / path for path in sources if path.stem.endswith("_test")]
